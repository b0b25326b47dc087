package builtin

import (
	"strings"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/docker"
)

// Containers returns what reaches the container engine of a host: on the machine imsctl runs on the one that DOCKER_HOST names
// in the environment that getenv reads, everywhere else the one at Docker's own socket.
func Containers(getenv func(string) (string, bool)) func(providers.Host) (providers.Containers, error) {
	return func(host providers.Host) (providers.Containers, error) {
		if host.Name() != "local" {
			return docker.New(host, docker.DefaultSocket)
		}
		given, _ := getenv("DOCKER_HOST")
		socket, err := docker.Socket(strings.TrimSpace(given))
		if err != nil {
			return nil, err
		}
		return docker.New(host, socket)
	}
}
