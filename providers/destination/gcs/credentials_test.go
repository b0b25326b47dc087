package gcs

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/cloudstorage"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// TestCredentialsFiles checks what is said of files that have no credentials, and that nothing of them is shown.
func TestCredentialsFiles(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(folder, "nothing.json"))
	for name, text := range map[string]string{
		"not-json":   "secret",
		"no-type":    `{"private_key": "secret"}`,
		"wrong-type": `{"type": "secret-kind-of-nobody", "private_key": "secret"}`,
		"no-key":     `{"type": "service_account", "client_email": "x@y", "private_key": "secret"}`,
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := configured(t, &Config{Bucket: "ims", CredentialsFile: path}).Status(t.Context())
		says(t, name, err, providers.ErrDenied, path)
		if strings.Contains(fmt.Sprint(err), "asn1") || strings.Contains(strings.ReplaceAll(fmt.Sprint(err), "secret-kind", ""), "secret") {
			t.Errorf("%s shows the file: %v", name, err)
		}
	}
	_, err := configured(t, &Config{Bucket: "ims", CredentialsFile: "missing.json"}).Status(t.Context())
	says(t, "missing", err, os.ErrNotExist, "credentials_file", "/nowhere/missing.json")
	_, err = configured(t, &Config{Bucket: "ims"}).Status(t.Context())
	says(t, "no credentials at all", err, providers.ErrDenied, "gcloud auth application-default login")
}

// serviceAccount writes the file of a service account's key, whose tokens a server gives out.
func serviceAccount(t *testing.T, tokens http.HandlerFunc) (path string) {
	t.Helper()
	server := httptest.NewServer(tokens)
	t.Cleanup(server.Close)
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "robot@project", "token_uri": server.URL,
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRevokedKey(t *testing.T) {
	path := serviceAccount(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}`)
	})
	_, err := configured(t, &Config{Bucket: "ims", CredentialsFile: path}).Status(t.Context())
	says(t, "status", err, providers.ErrDenied, "invalid_grant", "was not revoked")
}

// answers is a transport that answers every request with what it was asked.
type answers func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

// TestWhoGetsCredentials checks that requests carry a token, except those to an endpoint without encryption.
func TestWhoGetsCredentials(t *testing.T) {
	path := serviceAccount(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token": "a-token", "token_type": "Bearer", "expires_in": 3600}`)
	})
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", path)
	for _, test := range []struct {
		connection *cloudstorage.Connection
		want       string
	}{
		{&cloudstorage.Connection{CredentialsFile: path}, "Bearer a-token"},
		{&cloudstorage.Connection{}, "Bearer a-token"},
		{&cloudstorage.Connection{Endpoint: "https://storage.example.org"}, "Bearer a-token"},
		{&cloudstorage.Connection{Endpoint: "http://localhost:4443"}, ""},
	} {
		sent := "nothing"
		transport, _, err := test.connection.Authenticated(answers(func(r *http.Request) (*http.Response, error) {
			sent = r.Header.Get("Authorization")
			return nil, errors.New("enough")
		}))
		if err != nil {
			t.Fatal(err)
		}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://storage.example.org/", nil)
		if response, err := transport.RoundTrip(request); err == nil {
			response.Body.Close()
		}
		if sent != test.want {
			t.Errorf("endpoint %q got %q", test.connection.Endpoint, sent)
		}
	}
	s := newStrict(t)
	s.fail(testenv.Reset(), 0, func(r *http.Request) bool {
		if r.Header.Get("Authorization") != "" {
			t.Error("an endpoint without encryption got credentials")
		}
		return false
	})
	put(t, s.destination(t), "object", content(small))
}

// TestEnvironmentSendsNothingElsewhere sets the variable that the client's own programs follow.
func TestEnvironmentSendsNothingElsewhere(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request went elsewhere") }))
	t.Cleanup(elsewhere.Close)
	t.Setenv("STORAGE_EMULATOR_HOST", elsewhere.URL)
	s := newStrict(t)
	d := s.destination(t)
	for _, size := range []int{small, large} {
		put(t, d, fmt.Sprint(size), content(size))
		reader, err := d.Open(t.Context(), fmt.Sprint(size))
		if err != nil {
			t.Fatal(err)
		}
		reader.Close()
	}
	if _, err := d.Status(t.Context()); err != nil {
		t.Error(err)
	}
}
