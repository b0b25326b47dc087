package ssh

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// nothing is a command that does nothing.
func nothing() providers.Command { return providers.Command{Arguments: []string{"true"}} }

// know replaces the known_hosts file of a server's user.
func know(t *testing.T, server *testenv.SSHServer, text string) string {
	t.Helper()
	name := filepath.Join(server.Home, ".ssh", "known_hosts")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestUnknownKeysAreRefusedAndSaidHowToAdd(t *testing.T) {
	server := testenv.SSH(t)
	name := know(t, server, "elsewhere "+strings.TrimSpace(string(ssh.MarshalAuthorizedKey(server.HostKey)))+"\n")
	err := reach(t, server).Run(t.Context(), nothing())
	if !errors.Is(err, errUnknownKey) {
		t.Fatalf("got %v", err)
	}
	line := knownhosts.Line([]string{net.JoinHostPort("127.0.0.1", strconv.Itoa(server.Port))}, server.HostKey)
	for _, part := range []string{"vm (127.0.0.1:", ssh.FingerprintSHA256(server.HostKey), "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub", name, line} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not say %q", err, part)
		}
	}
	if text, _ := os.ReadFile(name); strings.Contains(string(text), "127.0.0.1") {
		t.Error("the key was written down")
	}
	know(t, server, line+"\n")
	if err := reach(t, server).Run(t.Context(), nothing()); err != nil {
		t.Errorf("with the line that was said: %v", err)
	}
}

func TestKeysThatAreKnownInAllForms(t *testing.T) {
	server := testenv.SSH(t)
	address := knownhosts.Normalize(net.JoinHostPort("127.0.0.1", strconv.Itoa(server.Port)))
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(server.HostKey)))
	for name, text := range map[string]string{
		"plain":       address + " " + key,
		"hashed":      knownhosts.HashHostname(address) + " " + key,
		"pattern":     "[127.0.0.?]:" + strconv.Itoa(server.Port) + " " + key,
		"among other": "# comment\n\n@revoked * " + other(t) + "\n" + address + " " + other(t) + "\n" + address + " " + key,
	} {
		t.Run(name, func(t *testing.T) {
			know(t, server, text+"\n")
			if err := reach(t, server).Run(t.Context(), nothing()); err != nil {
				t.Error(err)
			}
		})
	}
}

// other is a key of somebody else.
func other(t *testing.T) string {
	t.Helper()
	key, err := testenv.NewSSHKey(filepath.Join(t.TempDir(), "key"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

func TestChangedAndRevokedKeysAreRefused(t *testing.T) {
	server := testenv.SSH(t)
	address := knownhosts.Normalize(net.JoinHostPort("127.0.0.1", strconv.Itoa(server.Port)))
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(server.HostKey)))
	for name, test := range map[string]struct {
		text string
		said []string
	}{
		"changed": {"\n" + address + " " + other(t), []string{errChangedKey.Error(), ssh.FingerprintSHA256(server.HostKey), "line 2 of", "ssh-keygen -f", "-R '" + address + "'"}},
		"revoked": {address + " " + key + "\n@revoked * " + key, []string{"was revoked by line 2 of"}},
		"of another kind": {address + " " + curveKey(t),
			[]string{errChangedKey.Error(), "has no ecdsa-sha2-nistp256", "line 1 of"}},
		"broken file": {"what is this", []string{"reading the keys of known machines", "known_hosts:1"}},
	} {
		t.Run(name, func(t *testing.T) {
			know(t, server, test.text+"\n")
			err := reach(t, server).Run(t.Context(), nothing())
			for _, part := range test.said {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v does not say %q", err, part)
				}
			}
			if errors.Is(err, providers.ErrTemporary) {
				t.Error("it is said to go away by itself")
			}
		})
	}
}

// curveKey is a key of another kind than the server's.
func curveKey(t *testing.T) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// TestKeysWithACertificate has an authority vouch for the key of the server.
func TestKeysWithACertificate(t *testing.T) {
	folder := t.TempDir()
	if _, err := testenv.NewSSHKey(filepath.Join(folder, "authority")); err != nil {
		t.Fatal(err)
	}
	server := testenv.SSH(t, "HostCertificate "+filepath.Join(folder, "certificate"))
	_, authority, err := readKey(filepath.Join(folder, "authority"))
	if err != nil {
		t.Fatal(err)
	}
	certify := func(principal string) {
		t.Helper()
		certificate := &ssh.Certificate{Key: server.HostKey, CertType: ssh.HostCert, ValidPrincipals: []string{principal}, ValidBefore: ssh.CertTimeInfinity}
		if err := certificate.SignCert(rand.Reader, authority); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, "certificate"), ssh.MarshalAuthorizedKey(certificate), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	know(t, server, "@cert-authority [127.0.0.1]:"+strconv.Itoa(server.Port)+" "+string(ssh.MarshalAuthorizedKey(authority.PublicKey())))
	certify("127.0.0.1")
	if err := reach(t, server).Run(t.Context(), nothing()); err != nil {
		t.Error(err)
	}
	certify("another.example")
	if err := reach(t, server).Run(t.Context(), nothing()); err == nil {
		t.Error("the certificate of another machine was accepted")
	}
}
