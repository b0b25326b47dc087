//go:build unix && !linux

package local

import "os/exec"

// reap waits for the process to end and calls finish. The id of the process has been released by then; the system hands
// ids out in turn, so that of its group is not soon used again.
func reap(cmd *exec.Cmd, finish func()) error {
	err := cmd.Wait()
	finish()
	return err
}
