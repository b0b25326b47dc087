package local

import (
	"os/exec"

	"golang.org/x/sys/unix"
)

// reap waits for the process to end, calls finish, and only then releases its id: until then no other process or group
// can have got the number that finish may send signals to.
func reap(cmd *exec.Cmd, finish func()) error {
	for {
		err := unix.Waitid(unix.P_PID, cmd.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		// Any other failure leaves it to Wait to say what is the matter.
		break
	}
	finish()
	return cmd.Wait()
}
