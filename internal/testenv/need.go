// Package testenv gives tests the real programs and servers that they need: started on free ports or sockets, in
// temporary folders, stopped when the test ends.
package testenv

import (
	"os"
	"os/exec"
	"testing"
)

// NoSkip is the environment variable that forbids skipping: what a test needs must then be there.
const NoSkip = "IMSCTL_TEST_NOSKIP"

// Need returns the path of a program. Without it the test is skipped, or fails where skipping is forbidden.
func Need(t testing.TB, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		Skip(t, program+" is not installed")
	}
	return path
}

// Skip skips the test with a reason, or fails it where skipping is forbidden.
func Skip(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv(NoSkip) == "1" {
		t.Fatalf("%s, and %s=1 forbids skipping", reason, NoSkip)
	}
	t.Skip(reason)
}
