//go:build !linux

package local

import "os"

// widen does nothing where a pipe has the size that it has.
func widen(*os.File) {}
