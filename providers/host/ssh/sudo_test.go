package ssh

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

func TestIdleConnectionThatBroke(t *testing.T) {
	server := testenv.SSH(t)
	h := reach(t, server)
	for name, operate := range map[string]func() error{
		"a command": func() error { return h.Run(t.Context(), nothing()) },
		"a look":    func() error { _, err := h.Files().Lstat("/"); return err },
		"a list":    func() error { _, err := h.Files().ReadDir("/"); return err },
	} {
		if err := h.Run(t.Context(), nothing()); err != nil {
			t.Fatal(err)
		}
		server.Cut()
		if err := operate(); err != nil {
			t.Errorf("%s over a connection that broke before gives %v", name, err)
		}
	}
}

func TestSudo(t *testing.T) {
	testenv.Need(t, "sudo")
	if os.Getuid() != 0 {
		testenv.Skip(t, "only root needs no permission for sudo")
	}
	h := open(t, testenv.SSH(t), Config{Address: "vm", Sudo: true})
	var out bytes.Buffer
	command := shell(`echo "$SUDO_USER $SECRET"`)
	command.Environment, command.Stdout = []string{"SECRET=open sesame"}, &out
	if err := h.Run(t.Context(), command); err != nil || out.String() != "root open sesame\n" {
		t.Errorf("got %q, %v", out.String(), err)
	}
	path := filepath.Join(t.TempDir(), "file")
	file, err := h.Files().Create(path, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
	if info, err := h.Files().Lstat(path); err != nil || info.UID != 0 {
		t.Errorf("got %+v, %v", info, err)
	}
	if err := h.Files().CheckWritable(filepath.Dir(path)); err != nil {
		t.Error(err)
	}
}

// TestSudoThatAsks has a sudo in the PATH of the far side that says what the real one says when it wants a password.
func TestSudoThatAsks(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "sudo"), []byte("#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
	h := open(t, testenv.SSH(t), Config{Address: "vm", Sudo: true})
	_, filesErr := h.Files().Lstat("/")
	_, lookErr := h.LookPath(t.Context(), "sh")
	for _, err := range []error{h.Run(t.Context(), providers.Command{Arguments: []string{"true"}}), filesErr, lookErr} {
		if err == nil || !strings.Contains(err.Error(), "sudo: a password is required; permit it there with NOPASSWD") {
			t.Errorf("got %v", err)
		}
	}
}
