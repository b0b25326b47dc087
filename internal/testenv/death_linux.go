package testenv

import "syscall"

// dyingWithParent has the system end a process, with SIGQUIT, when the test that started it is gone without having stopped it.
func dyingWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT} }
