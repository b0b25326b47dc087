package remote

import (
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

// TestDead: only a process of this machine that has ended is known to be dead.
func TestDead(t *testing.T) {
	command := exec.Command("true")
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	pid := command.Process.Pid
	if machine() == "" {
		t.Skip("this system does not tell processes of machines apart")
	}
	// Until somebody waits for it, it is a zombie.
	for !isZombie(pid) {
		runtime.Gosched()
	}
	ended := NewHolder(state.LockInfo{PID: pid})
	if !ended.Dead() {
		t.Error("a zombie lives")
	}
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
	if !ended.Dead() {
		t.Error("a process that has ended lives")
	}
	elsewhere := ended
	elsewhere.Machine = "another"
	for name, holder := range map[string]Holder{"this process": NewHolder(state.LockInfo{PID: os.Getpid()}), "another machine": elsewhere, "no machine": {LockInfo: ended.LockInfo}, "no process": NewHolder(state.LockInfo{})} {
		if holder.Dead() {
			t.Errorf("%s is dead", name)
		}
	}
}
