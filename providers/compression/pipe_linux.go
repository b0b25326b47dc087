package compression

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	// lentHalf is one of the two halves of the memory that a pipe is lent, in bytes.
	lentHalf = 1 << 20
	// lentLeast is the least that is lent, in bytes. The kernel lends whole pages, and copying less costs no more.
	lentLeast = 32 << 10
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

// lender writes to a pipe. What is large is put into memory whose pages the pipe then refers to, which is less work for the
// kernel than a copy in pages of its own. The memory has two halves: one is written to again when everything that stood in it
// has been read, as the pipe itself tells.
type lender struct {
	pipe       *os.File
	connection syscall.RawConn
	// memory is nil where the system gives none.
	memory []byte
	// refused: the system, or the reader, takes no more of it.
	refused bool
	// half is the one in use, at how much of it is.
	half, at int
	// sent counts the bytes that were written, until those at the end of each half.
	sent  int64
	until [2]int64
}

// newLender makes a writer that must be closed; it does not close the pipe before.
func newLender(pipe *os.File) *lender {
	l := &lender{pipe: pipe}
	connection, err := pipe.SyscallConn()
	if err != nil {
		return l
	}
	memory, err := unix.Mmap(-1, 0, 2*lentHalf, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
	if err != nil {
		return l
	}
	// Large pages are only faster.
	_ = unix.Madvise(memory, unix.MADV_HUGEPAGE)
	l.connection, l.memory = connection, memory
	return l
}

// Write implements io.Writer.
func (l *lender) Write(p []byte) (int, error) {
	written := 0
	for len(p)-written >= lentLeast && l.room() {
		begin := l.half*lentHalf + l.at
		n := copy(l.memory[begin:(l.half+1)*lentHalf], p[written:])
		l.at += n
		lent := l.lend(l.memory[begin : begin+n])
		written += lent
		l.sent += int64(lent)
		l.refused = lent < n
	}
	if written == len(p) {
		return written, nil
	}
	n, err := l.pipe.Write(p[written:])
	l.sent += int64(n)
	return written + n, err
}

// room makes sure that there is memory which nobody reads any more. Where there is none, what is written is copied.
func (l *lender) room() bool {
	if l.memory == nil || l.refused {
		return false
	}
	if l.at < lentHalf {
		return true
	}
	l.until[l.half] = l.sent
	other := 1 - l.half
	if l.unread() > l.sent-l.until[other] {
		return false
	}
	l.half, l.at = other, 0
	return true
}

// unread is how many bytes wait in the pipe.
func (l *lender) unread() int64 {
	unread, failed := 0, error(nil)
	err := l.connection.Control(func(descriptor uintptr) {
		unread, failed = unix.IoctlGetInt(int(descriptor), unix.TIOCINQ)
	})
	if err != nil || failed != nil {
		return l.sent // any of it may
	}
	return int64(unread)
}

// lend has the pipe refer to a piece of the memory, and says how much of it was taken. Less than all is for a write to explain: the
// system may not lend, or nobody reads any more.
func (l *lender) lend(piece []byte) (lent int) {
	for lent < len(piece) {
		vector := unix.Iovec{Base: &piece[lent]}
		vector.SetLen(len(piece) - lent)
		n, err := 0, error(nil)
		waiting := l.connection.Write(func(descriptor uintptr) bool {
			n, err = unix.Vmsplice(int(descriptor), []unix.Iovec{vector}, unix.SPLICE_F_NONBLOCK)
			return err != unix.EAGAIN
		})
		switch {
		case waiting == nil && err == unix.EINTR:
		case waiting != nil || err != nil || n <= 0:
			return lent
		default:
			lent += n
		}
	}
	return lent
}

// Close implements io.Closer. It closes the pipe and gives the memory back: what is not read yet stays with the pipe.
func (l *lender) Close() error {
	err := l.pipe.Close()
	if l.memory != nil {
		err = errors.Join(err, unix.Munmap(l.memory))
		l.memory = nil
	}
	return err
}
