package remote

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/castrolanda/imsctl/state"
)

// NewHolder describes this process as a holder.
func NewHolder(info state.LockInfo) Holder { return Holder{LockInfo: info, Machine: machine()} }

// machine is empty where process ids cannot be compared.
func machine() string {
	if runtime.GOOS != "linux" {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	namespace, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(boot)) + " " + namespace
}

// Dead reports whether the holder is known to be gone: it was a process of this machine, and there is none with its id. Of
// one on another machine that is never known.
func (h Holder) Dead() bool {
	if h.PID <= 0 || h.Machine == "" || h.Machine != machine() {
		return false
	}
	return errors.Is(unix.Kill(h.PID, 0), unix.ESRCH) || isZombie(h.PID)
}

// isZombie reports whether a process has ended and nobody has asked how (proc(5)).
func isZombie(pid int) bool {
	said, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	// The second field is the program's name in brackets, which may hold anything; the third is the state.
	_, rest, found := bytes.Cut(said, []byte(") Z "))
	return found && !bytes.Contains(rest, []byte(")"))
}

// Locked is the refusal of a lock that the holder has and that expires when it was not renewed for so long.
func Locked(location string, holder Holder, lease time.Duration) error {
	ends := fmt.Sprintf("the lock of a process that is gone ends %s after it was last renewed", lease)
	if holder.ID != "" {
		ends += fmt.Sprintf(`, or with "imsctl force-unlock %s"`, holder.ID)
	}
	return &state.LockedError{Location: location, Holder: holder.LockInfo, Ends: ends}
}

// Mismatch is the error of who wants to end a lock that has another id.
func Mismatch(location string, holder Holder, id string) error {
	return fmt.Errorf("the lock of the state %s has the id %q, not %q: it is that of %s", location, holder.ID, id, holder.LockInfo)
}

// ErrNotLocked: there is no lock that could be ended.
var ErrNotLocked = errors.New("nothing is left of an earlier lock")

// NotLocked is the error of who wants to end a lock that is not there.
func NotLocked(location string) error {
	return fmt.Errorf("the state %s is not locked, and %w", location, ErrNotLocked)
}
