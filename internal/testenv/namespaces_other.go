//go:build !linux

package testenv

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
)

// Container engines are started on Linux only: findDocker says so before any of these is needed.

func ownNamespaces() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

func dialFrom(context.Context, int, string, string) (net.Conn, error) {
	return nil, errors.ErrUnsupported
}

func listenFrom(context.Context, int, string, string) (net.Listener, error) {
	return nil, errors.ErrUnsupported
}

func peer(*net.UnixConn) (int, error) { return 0, errors.ErrUnsupported }

func tryLock(*os.File) bool { return false }
