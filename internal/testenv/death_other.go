//go:build unix && !linux

package testenv

import "syscall"

// dyingWithParent has no way to end a process with the test that started it.
func dyingWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }
