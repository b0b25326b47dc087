package testenv

import (
	"context"
	"os/exec"
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

// BuildCompose builds Docker Compose and returns the path of the program.
func BuildCompose(ctx context.Context) (string, error) {
	return buildTool(ctx, "compose", "github.com/docker/compose/v5/cmd", "docker-compose")
}
