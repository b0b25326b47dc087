package testenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
)

// Age builds age's reference tools and returns the folder that has age and age-keygen.
func Age(t testing.TB) string {
	t.Helper()
	program := ""
	for _, name := range []string{"filippo.io/age/cmd/age", "filippo.io/age/cmd/age-keygen"} {
		var err error
		if program, err = buildTool(t.Context(), "emulators", name, path.Base(name)); err != nil {
			Skip(t, err.Error())
		}
	}
	return filepath.Dir(program)
}

// buildTool builds a program of a module of tools, once for each version of it, and returns its path. The modules are apart,
// so that what the tools depend on is no dependency of imsctl. A module has at most one file of its own, main.go.
func buildTool(ctx context.Context, module, name, called string) (string, error) {
	_, file, _, _ := runtime.Caller(0)
	folder := filepath.Join(filepath.Dir(file), module)
	hash := sha256.New()
	io.WriteString(hash, runtime.Version())
	for _, name := range []string{"go.mod", "main.go"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil && (name == "go.mod" || !errors.Is(err, fs.ErrNotExist)) {
			return "", fmt.Errorf("finding the module of %s: %w", called, err)
		}
		hash.Write(text)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding a folder for %s: %w", called, err)
	}
	program := filepath.Join(cache, "imsctl-"+module, hex.EncodeToString(hash.Sum(nil)[:8]), called)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return "", err
	}
	// Another test may build it at the same time: the last one to finish wins, and they are equal.
	building := program + "." + strconv.Itoa(os.Getpid())
	command := exec.CommandContext(ctx, "go", "build", "-o", building, name)
	command.Dir = folder
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%s cannot be built: %w: %s", name, err, output)
	}
	return program, os.Rename(building, program)
}
