// Package release is what tests of deploys work with: an application whose revisions go well or fail in known ways, a machine that it is
// deployed to, a remote repository between them, and a client that asks the application all the time.
//
//	var shared release.Shared
//
//	func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }
//
//	func TestDeploy(t *testing.T) {
//		project := shared.Machine(t).Project(t, release.Options{})
//		project.Install(t, release.Good1)      // cloned, built, up and migrated on the machine
//		poll := project.Poll(t)
//		before := project.Containers(t)
//		project.Checkout(t, release.Good3)     // in project.Work; project.Push for the remote
//		deploy(project.Machine.SSH, project.Path, project.Remote.SSH, project.Commit(release.Good3))
//		poll.Await(t, release.Good3)
//		if project.Containers(t)["worker"] != before["worker"] {
//			t.Error("the worker was restarted")
//		}
//		t.Log(poll.Stop())                     // downtime, the longest gap, who answered when
//	}
//
// What can go wrong: project.Remote.Down, Stall and Up; Machine.SSH.Cut and Refuse; Machine.PowerOff, PowerOn and Reboot; a project with
// Options.Disk and then Fill and Free; a Barrier that holds a command up while something else happens, and a file "hold" in the data folder,
// which does the same to the service web while it starts, and has it write "held" beside it; and the revisions Sick, Flaps, ML, Migration, Broken and Other.
//
// The machine shares the folders of this system but /home, /run and the network, in which it has the remote at the same addresses as
// the test. Its images are those of testenv.Docker. A program of the operator finds all of it with Machine.Environment.
package release
