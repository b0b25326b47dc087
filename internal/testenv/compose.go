package testenv

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
)

// Compose is Docker Compose for the engine, run in a folder with these arguments: "up", "--wait".
func (d *DockerServer) Compose(ctx context.Context, folder string, arguments ...string) (*exec.Cmd, error) {
	program, err := BuildCompose(ctx)
	if err != nil {
		return nil, err
	}
	command := exec.CommandContext(ctx, program, arguments...)
	command.Dir, command.Env = folder, d.Environment()
	return command, nil
}

// PlugCompose makes "docker compose" work for the engine's client, here and on the engine's machine.
func (d *DockerServer) PlugCompose(ctx context.Context) error {
	program, err := BuildCompose(ctx)
	if err != nil {
		return err
	}
	plugins := filepath.Join(d.config(), "cli-plugins")
	if err := os.MkdirAll(plugins, 0o755); err != nil {
		return err
	}
	return os.Symlink(program, filepath.Join(plugins, "docker-compose"))
}

// BuildCompose builds Docker Compose and returns the path of the program.
func BuildCompose(ctx context.Context) (string, error) {
	return buildTool(ctx, "compose", "github.com/docker/compose/v5/cmd", "docker-compose")
}
