package compression

import (
	"os"

	"golang.org/x/sys/unix"
)

// widen lets a pipe hold more, so that its two ends take turns less often. A system that refuses is as right, and slower.
func widen(pipe *os.File, size int) {
	connection, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = connection.Control(func(descriptor uintptr) {
		_, _ = unix.FcntlInt(descriptor, unix.F_SETPIPE_SZ, size)
	})
}
