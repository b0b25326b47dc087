package testenv

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// Build builds an image from a Dockerfile that is alone in its context, with BuildKit, so that there is build cache afterwards. The
// engine's own client can do so with a plugin only.
func (d *DockerServer) Build(t testing.TB, name, dockerfile string) {
	t.Helper()
	var files bytes.Buffer
	writer := tar.NewWriter(&files)
	if err := writer.WriteHeader(&tar.Header{Name: "Dockerfile", Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(dockerfile))}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(writer, dockerfile); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	// The engine waits for the files some seconds only; on a busy machine that may be too short.
	for attempt := 1; ; attempt++ {
		said, err := d.build(t.Context(), name, files.Bytes())
		if err == nil {
			return
		}
		if attempt == 3 {
			t.Fatalf("building %s: %v: %s", name, err, said)
		}
	}
}

// build hands the engine the files of a build and waits for its end.
func (d *DockerServer) build(ctx context.Context, name string, files []byte) (string, error) {
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var dialer net.Dialer
		return dialer.DialContext(ctx, "unix", d.Socket)
	}}}
	defer client.CloseIdleConnections()
	id := rand.Text()
	uploaded := make(chan error, 1)
	go func() {
		_, err := post(ctx, client, url.Values{"version": {"2"}, "buildid": {"upload-request:" + id}}, bytes.NewReader(files))
		uploaded <- err
	}()
	said, err := post(ctx, client, url.Values{"version": {"2"}, "t": {name}, "remote": {"upload-request"}, "buildid": {id}}, nil)
	if upload := <-uploaded; err == nil {
		err = upload
	}
	return said, err
}

// post sends a request for a build and reads the answer, which is a success only when there is no error in it.
func post(ctx context.Context, client *http.Client, query url.Values, body io.Reader) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://docker/v1.41/build?"+query.Encode(), body)
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-tar")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || strings.Contains(string(said), `"errorDetail"`)) {
		err = fmt.Errorf("the engine answers with %s", response.Status)
	}
	return string(said), err
}
