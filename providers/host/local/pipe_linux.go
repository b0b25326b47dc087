package local

import (
	"os"

	"golang.org/x/sys/unix"
)

// widen lets a pipe hold more than the usual 64 KiB: programs that write in small pieces, as pg_dump does, then wake their
// reader less often. The system may refuse; then the pipe is slower and no less right.
func widen(pipe *os.File) {
	connection, err := pipe.SyscallConn()
	if err != nil {
		return
	}
	_ = connection.Control(func(descriptor uintptr) {
		_, _ = unix.FcntlInt(descriptor, unix.F_SETPIPE_SZ, pipeSize)
	})
}
