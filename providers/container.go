package providers

import (
	"context"
	"errors"
	"io"
	"time"
)

// ErrNoContainer: the engine has no container of that name.
var ErrNoContainer = errors.New("no such container")

// ErrNoImage: the engine has no image of that name.
var ErrNoImage = errors.New("no such image")

// Runner is where commands run: a machine, or a container on one. It is safe for concurrent use.
type Runner interface {
	// Name is what people call it: "local", "vm", "container ims_postgres on vm".
	Name() string
	// LookPath finds a program, as a shell there would, and returns its path there.
	LookPath(ctx context.Context, program string) (string, error)
	// Run runs a command and waits for it. Nil means exit status 0; a command that ended otherwise gives an *ExitError.
	// When ctx ends, the command and all its children are ended, first asked (SIGTERM), after a short grace forced. An
	// error that is ErrTemporary is that of the connection to the host.
	Run(ctx context.Context, command Command) error
}

// Containers is the container engine of a host. It is safe for concurrent use.
type Containers interface {
	// Find lists the containers whose name matches one of the patterns (path.Match), running or not, sorted by name.
	Find(ctx context.Context, patterns ...string) ([]Container, error)
	// Container describes one by its exact name. ErrNoContainer, with the nearest names, when there is none.
	Container(ctx context.Context, name string) (Container, error)
	// ImageID is the digest of what the name of an image means now: that of a container which would be made from it. ErrNoImage when
	// nothing has the name.
	ImageID(ctx context.Context, name string) (string, error)
	// In is where commands run inside the container that has a name at the time of each command. It costs nothing. A command
	// in a container that does not run, or that ends meanwhile, is an error that says so; without a terminal, so that what the
	// command writes arrives as it is.
	In(name string) Runner
	// Logs writes what a container has said from since on and until until, both zero for all of it, to the two writers: each
	// message of the engine in a Write of its own, behind its time in LogTime and a space. A message is a line with its end, or a
	// part of a very long one. What a terminal showed is all standard output.
	Logs(ctx context.Context, id string, since, until time.Time, stdout, stderr io.Writer) error
	// Start starts a container, Stop ends one and waits for that; one that is already so is no error.
	Start(ctx context.Context, id string) error
	Stop(ctx context.Context, id string) error
}

// LogTime is the form of the times of Containers.Logs, always in UTC.
const LogTime = "2006-01-02T15:04:05.000000000Z"

// Container is what an engine says of a container.
type Container struct {
	Name string
	// ID is the engine's own identification of this container: another one of the same name has another.
	ID string
	// State is created, running, paused, restarting, removing, exited or dead.
	State string
	// Health is healthy, unhealthy or starting, and empty where the container has no health check.
	Health string
	// HealthOutput is what the last health check printed.
	HealthOutput string
	// Restarts is how often the engine has started it again since it was made.
	Restarts int
	// Image is the name that the container was made from, ImageID the digest of what that was.
	Image, ImageID string
	// Created is when it was made and Started when it last started, UTC.
	Created, Started time.Time
	// ExitCode is the status that it ended with, when it has ended.
	ExitCode int
	// Project and Service are those of docker compose, empty where it did not make the container. Folder is the folder of the
	// project that it was made from, ConfigHash compose's own hash of the service as it was then. OneOff is set for what "docker
	// compose run" made, which is no part of the project.
	Project, Service, Folder, ConfigHash string
	OneOff                               bool
}
