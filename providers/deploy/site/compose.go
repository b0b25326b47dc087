package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// call is one way to call compose: for a project, with the files of a folder.
type call struct {
	project, folder string
	// more are compose files that are put on top of the project's own.
	more []string
}

// arguments are what is written behind the program.
func (s *Site) arguments(c call, arguments ...string) []string {
	file := path.Join(c.folder, s.target.Compose)
	list := []string{"--project-directory", path.Dir(file), "--file", file}
	for _, more := range c.more {
		list = append(list, "--file", more)
	}
	if c.project != "" {
		list = append(list, "--project-name", c.project)
	}
	return append(list, arguments...)
}

// command is a call of compose.
func (s *Site) command(ctx context.Context, c call, arguments ...string) (providers.Command, error) {
	program, err := s.composeProgram(ctx)
	if err != nil {
		return providers.Command{}, err
	}
	list := append(append([]string{}, program...), s.arguments(c, arguments...)...)
	return providers.Command{Arguments: list, Directory: path.Dir(path.Join(c.folder, s.target.Compose))}, nil
}

// compose runs compose and returns what it wrote to standard output. What it says of its progress is in the error.
func (s *Site) compose(ctx context.Context, c call, arguments ...string) ([]byte, error) {
	command, err := s.command(ctx, c, arguments...)
	if err != nil {
		return nil, err
	}
	var stdout bytes.Buffer
	command.Stdout = &stdout
	err = s.host.Run(ctx, command)
	return stdout.Bytes(), named(err, arguments)
}

// named says in an error which command of compose it was, since all of them are the same program.
func named(err error, arguments []string) error {
	var exit *providers.ExitError
	if errors.As(err, &exit) && len(arguments) > 0 {
		renamed := *exit
		renamed.Program = "docker compose " + arguments[0]
		return &renamed
	}
	return err
}

// Compose runs compose with the files of a folder, which is that of a release, the link to the current one or the project's own,
// and writes what it says to output, which may be nil. It is meant for who restarts or looks at what is there; Switch brings
// services up.
func (s *Site) Compose(ctx context.Context, folder string, output io.Writer, arguments ...string) error {
	c, err := s.callIn(ctx, folder)
	if err != nil {
		return err
	}
	command, err := s.command(ctx, c, arguments...)
	if err != nil {
		return err
	}
	command.Stdout, command.Stderr = output, output
	return named(s.host.Run(ctx, command), arguments)
}

// callIn is how compose is called in a folder: with what the release that it is, or leads to, was sealed with.
func (s *Site) callIn(ctx context.Context, folder string) (call, error) {
	id := path.Base(folder)
	if folder == s.link() {
		current, err := s.current()
		if err != nil {
			return call{}, err
		}
		id = current
	}
	if path.Dir(s.Folder(id)) == path.Dir(folder) || folder == s.link() {
		sealed, err := s.sealOf(id)
		if err != nil {
			return call{}, err
		}
		return call{sealed.Project, folder, s.labels(id, sealed)}, nil
	}
	project, err := s.projectOf(ctx, folder)
	return call{project: project, folder: folder}, err
}

// composeProgram finds out how compose is called on the host. What was found is remembered.
func (s *Site) composeProgram(ctx context.Context) ([]string, error) {
	s.mu.Lock()
	program := s.program
	s.mu.Unlock()
	if program != nil {
		return program, nil
	}
	const script = `docker compose version --short 2>/dev/null || { echo; docker-compose version --short 2>/dev/null || echo none; }`
	said, err := s.shell(ctx, script)
	if err != nil {
		return nil, fmt.Errorf("looking for docker compose on %s: %w", s.host.Name(), err)
	}
	if program, err = composeFrom(string(said)); err != nil {
		return nil, fmt.Errorf("%w on %s", err, s.host.Name())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.program = program
	return program, nil
}

// composeFrom reads what versions there are: that of the plugin, or an empty line and that of the program.
func composeFrom(said string) ([]string, error) {
	plugin, program, _ := strings.Cut(said, "\n")
	program = strings.TrimSpace(program)
	switch {
	case strings.TrimSpace(plugin) != "":
		return []string{"docker", "compose"}, nil
	case program == "none" || program == "":
		return nil, errors.New("there is neither \"docker compose\" nor docker-compose; install the package docker-compose-plugin (docker-compose-v2 on Ubuntu)")
	case strings.HasPrefix(strings.TrimPrefix(program, "v"), "1."):
		return nil, fmt.Errorf("there is docker-compose %s only, which can not do what a deploy needs; install the package docker-compose-plugin (docker-compose-v2 on Ubuntu)", program)
	default:
		return []string{"docker-compose"}, nil
	}
}
