package ssh

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// keep writes a private key to a file, with a passphrase unless that is empty, and lets it in.
func keep(t *testing.T, server *testenv.SSHServer, name string, private any, passphrase string) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(private, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(server.Home, ".ssh", name)
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Authorize(signer.PublicKey()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestKeyFilesOfAllKinds(t *testing.T) {
	server := testenv.SSH(t)
	_, small, _ := ed25519.GenerateKey(rand.Reader)
	curve, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	large, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, private := range map[string]any{"ed25519": small, "ecdsa": curve, "rsa": large} {
		t.Run(name, func(t *testing.T) {
			path := keep(t, server, "key_"+name, private, "")
			for _, written := range []string{path, "~/.ssh/key_" + name} {
				if err := open(t, server, Config{Address: "vm", KeyFile: written}).Run(t.Context(), nothing()); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// serveAgent lets an agent hold keys and returns its socket.
func serveAgent(t *testing.T, keys ...any) string {
	t.Helper()
	holder := agent.NewKeyring()
	for _, key := range keys {
		if err := holder.Add(agent.AddedKey{PrivateKey: key}); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "agent"))
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer connection.Close()
				agent.ServeAgent(holder, connection)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

// withAgent makes the host of a server whose user has an agent.
func withAgent(t *testing.T, server *testenv.SSHServer, config Config, socket string) *host {
	t.Helper()
	h := newHost(config, func() (surroundings, error) {
		found, err := around(server)()
		found.agent = socket
		return found, err
	}, still())
	t.Cleanup(func() { h.Close() })
	return h
}

func TestKeysWithAPassphraseNeedTheAgent(t *testing.T) {
	server := testenv.SSH(t)
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	path := keep(t, server, "locked", private, "open sesame")
	config := Config{Address: "vm", KeyFile: path}
	err := open(t, server, config).Run(t.Context(), nothing())
	if err == nil || !strings.Contains(err.Error(), "has a passphrase, and the agent does not hold it: run ssh-add "+path) {
		t.Errorf("got %v", err)
	}
	if err := withAgent(t, server, config, serveAgent(t, &private)).Run(t.Context(), nothing()); err != nil {
		t.Error(err)
	}
	err = withAgent(t, server, config, filepath.Join(t.TempDir(), "nobody")).Run(t.Context(), nothing())
	if err == nil || !strings.Contains(err.Error(), "the agent does not answer") {
		t.Errorf("got %v", err)
	}
}

func TestAgentAlone(t *testing.T) {
	server := testenv.SSH(t)
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	path := keep(t, server, "elsewhere", private, "")
	for _, name := range []string{path, filepath.Join(server.Home, ".ssh", "id_ed25519")} {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	socket := serveAgent(t, &private)
	if err := withAgent(t, server, Config{Address: "vm"}, socket).Run(t.Context(), nothing()); err != nil {
		t.Error(err)
	}
	config := filepath.Join(server.Home, ".ssh", "config")
	if err := os.WriteFile(config, append(readFileOf(t, config), "  IdentityAgent none\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	err := withAgent(t, server, Config{Address: "vm"}, socket).Run(t.Context(), nothing())
	if err == nil || !strings.Contains(err.Error(), "no key can be offered") {
		t.Errorf("got %v", err)
	}
}

func readFileOf(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRefusedKeys(t *testing.T) {
	server := testenv.SSH(t)
	path := filepath.Join(t.TempDir(), "key")
	key, err := testenv.NewSSHKey(path)
	if err != nil {
		t.Fatal(err)
	}
	err = open(t, server, Config{Address: "vm", KeyFile: path}).Run(t.Context(), nothing())
	if !errors.Is(err, providers.ErrDenied) || errors.Is(err, providers.ErrTemporary) {
		t.Errorf("got %v", err)
	}
	for _, part := range []string{"does not let user \"" + server.User + "\" in", ssh.FingerprintSHA256(key), "authorized_keys"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v does not say %q", err, part)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	err = open(t, server, Config{Address: "vm", KeyFile: path}).Run(t.Context(), nothing())
	if err == nil || !strings.Contains(err.Error(), "chmod 600 "+path) {
		t.Errorf("a key that others can read gives %v", err)
	}
	if err := errors.Join(os.Chmod(path, 0o600), os.WriteFile(path, []byte("no key"), 0o600)); err != nil {
		t.Fatal(err)
	}
	err = open(t, server, Config{Address: "vm", KeyFile: path}).Run(t.Context(), nothing())
	if err == nil || !strings.Contains(err.Error(), "is not the file of a private key") {
		t.Errorf("no key gives %v", err)
	}
	err = open(t, server, Config{Address: "vm", KeyFile: path + ".missing"}).Run(t.Context(), nothing())
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file gives %v", err)
	}
}
