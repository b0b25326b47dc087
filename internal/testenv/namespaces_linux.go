package testenv

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// ownNamespaces gives a process its own processes, mounts and network. When it ends, the system ends all of that with it; and it
// is ended when the test that started it is gone.
func ownNamespaces() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET,
		// The first process of a namespace takes no other signal that it does not handle.
		Pdeathsig: syscall.SIGKILL,
	}
}

// dialFrom connects as a process would, from its network.
func dialFrom(ctx context.Context, pid int, network, address string) (net.Conn, error) {
	return inNetwork(pid, func() (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, network, address)
	})
}

// listenFrom listens as a process would, in its network.
func listenFrom(ctx context.Context, pid int, network, address string) (net.Listener, error) {
	return inNetwork(pid, func() (net.Listener, error) {
		var config net.ListenConfig
		return config.Listen(ctx, network, address)
	})
}

// inNetwork opens something in the network of a process, in which it stays.
func inNetwork[T any](pid int, open func() (T, error)) (T, error) {
	type result struct {
		opened T
		err    error
	}
	done := make(chan result)
	go func() {
		// The thread is never unlocked, so that it ends with this goroutine and nobody else gets into that network.
		runtime.LockOSThread()
		if err := enterNetwork(pid); err != nil {
			done <- result{err: err}
			return
		}
		opened, err := open()
		done <- result{opened, err}
	}()
	r := <-done
	return r.opened, r.err
}

// enterNetwork moves this thread into the network of a process.
func enterNetwork(pid int) error {
	namespace, err := os.Open("/proc/" + strconv.Itoa(pid) + "/ns/net")
	if err != nil {
		return err
	}
	defer namespace.Close()
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("entering the network of process %d: %w", pid, err)
	}
	return nil
}

// peer is the process that listens on the other end of a socket.
func peer(connection *net.UnixConn) (pid int, err error) {
	raw, err := connection.SyscallConn()
	if err != nil {
		return 0, err
	}
	var credentials *unix.Ucred
	var asked error
	if err := raw.Control(func(descriptor uintptr) {
		credentials, asked = unix.GetsockoptUcred(int(descriptor), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return 0, err
	}
	if asked != nil {
		return 0, asked
	}
	return int(credentials.Pid), nil
}

// tryLock locks an open file and tells whether it could; the lock ends with the process at the latest.
func tryLock(file *os.File) bool {
	return unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}
