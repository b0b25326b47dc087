package testenv

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// Debian is the name of an image with PostgreSQL, Redis and a web server: start-postgres, which takes the variables of the official image,
// redis-server and start-web run them. An engine has it after ImportDebian.
const Debian = "imsctl/debian:latest"

// debianPath puts PostgreSQL's own programs before Debian's wrappers around them, as in the official image.
const debianPath = "/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// DockerDebian starts an engine as Docker does, which has the image Debian.
func DockerDebian(t testing.TB) *DockerServer {
	t.Helper()
	if _, err := debianArchive(); err != nil {
		Skip(t, err.Error())
	}
	d := Docker(t)
	if err := d.ImportDebian(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d
}

// ImportDebian gives the engine the image Debian. exec.ErrNotFound when scripts/stack-image has not made it.
func (d *DockerServer) ImportDebian(ctx context.Context) error {
	archive, err := debianArchive()
	if err != nil {
		return err
	}
	command := d.Command(ctx, "import", "--change", "ENV PATH="+debianPath, "--change", "ENV LANG=C.UTF-8", archive, Debian)
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("the image %s: %w: %s", Debian, err, output)
	}
	return nil
}

// debianArchive finds the file system of the image where scripts/stack-image makes it.
func debianArchive() (string, error) {
	_, file, _, _ := runtime.Caller(0)
	script := filepath.Join(filepath.Dir(file), "..", "..", "scripts", "stack-image")
	text, err := os.ReadFile(script)
	if err != nil {
		return "", fmt.Errorf("finding the image %s: %w", Debian, err)
	}
	cache, err := testCache()
	if err != nil {
		return "", fmt.Errorf("finding the image %s: %w", Debian, err)
	}
	hash := sha256.Sum256(text)
	archive := filepath.Join(cache, "stack-"+hex.EncodeToString(hash[:8])+".tar")
	if _, err := os.Stat(archive); err != nil {
		return "", fmt.Errorf("the image %s is not made, which scripts/stack-image does: %w", Debian, exec.ErrNotFound)
	}
	return archive, nil
}

// Postgres starts a container of that name with PostgreSQL and waits until it answers. The superuser is asked for no password
// inside, and for "secret" over the network. ImportDebian must have come before.
func (d *DockerServer) Postgres(t testing.TB, name, user, database string) {
	t.Helper()
	d.Run(t, "run", "--detach", "--name", name, "--env", "POSTGRES_USER="+user, "--env", "POSTGRES_PASSWORD=secret", "--env", "POSTGRES_DB="+database,
		Debian, "start-postgres", "-c", "fsync=off")
	d.awaitInside(t, name, "pg_isready --quiet --host=127.0.0.1")
}

// Redis starts a container of that name with Redis, which keeps its data in /data, and waits until it answers. Options of
// redis-server may be added. ImportDebian must have come before.
func (d *DockerServer) Redis(t testing.TB, name string, options ...string) {
	t.Helper()
	arguments := []string{"run", "--detach", "--name", name, "--workdir", "/data", Debian, "redis-server", "--bind", "*", "--protected-mode", "no"}
	d.Run(t, append(arguments, options...)...)
	d.awaitInside(t, name, "redis-cli ping")
}

// awaitInside waits until a command succeeds in a container.
func (d *DockerServer) awaitInside(t testing.TB, name, command string) {
	t.Helper()
	d.Run(t, "exec", name, "timeout", "120", "sh", "-c", "until "+command+" >/dev/null 2>&1; do sleep 0.1; done")
}
