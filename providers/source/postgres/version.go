package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"

	"github.com/castrolanda/imsctl/providers"
)

// version is what a program or a server says of itself, such as 15.18.
type version struct {
	text  string
	major int
}

var versionPattern = regexp.MustCompile(`(\d+)(?:\.\d+)*(?:devel|beta\d+|rc\d+)?`)

// parseVersion finds the version in a line such as "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)".
func parseVersion(text string) (version, error) {
	found := versionPattern.FindStringSubmatch(text)
	if found == nil {
		return version{}, fmt.Errorf("no version in %q", text)
	}
	major, err := strconv.Atoi(found[1])
	if err != nil {
		return version{}, fmt.Errorf("no version in %q", text)
	}
	return version{text: found[0], major: major}, nil
}

// program is one of PostgreSQL's programs on a host.
type program struct {
	path    string
	version version
}

// findProgram finds a program on the PATH of a host and asks for its version.
func findProgram(ctx context.Context, host providers.Runner, name string) (program, error) {
	path, err := host.LookPath(ctx, name)
	if err != nil {
		return program{}, missingProgram(host, name, err)
	}
	var output bytes.Buffer
	if err := host.Run(ctx, providers.Command{Arguments: []string{path, "--version"}, Stdout: &output, Framed: true}); err != nil {
		return program{}, fmt.Errorf("asking %s for its version: %w", path, err)
	}
	found, err := parseVersion(output.String())
	if err != nil {
		return program{}, fmt.Errorf("asking %s for its version: %w", path, err)
	}
	return program{path: path, version: found}, nil
}

// missingProgram says what to do about a program that was not found.
func missingProgram(on providers.Runner, name string, err error) error {
	if !errors.Is(err, exec.ErrNotFound) {
		return err
	}
	if _, machine := on.(providers.Host); machine {
		return fmt.Errorf("%s is not on the PATH of host %q: install PostgreSQL's client programs (on Debian: postgresql-client)", name, on.Name())
	}
	return fmt.Errorf("%s is not on the PATH of %s: name a container that has PostgreSQL's programs, such as that of the server", name, on.Name())
}

// checkDump refuses a pg_dump, or pg_dumpall, that cannot dump from a server.
func checkDump(name string, dump program, server version) error {
	if dump.version.major < server.major {
		return fmt.Errorf("%s %s (%s) is older than the server (%s) and cannot dump from it: install version %d or later (on Debian: postgresql-client-%d)",
			name, dump.version.text, dump.path, server.text, server.major, server.major)
	}
	return nil
}
