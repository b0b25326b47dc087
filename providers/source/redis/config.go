// Package redis backs up a Redis or Valkey server as a snapshot (an RDB file), and restores it.
//
// A server that is reached by its address is asked for the snapshot as a replica asks for one. In a container redis-cli does
// that. The snapshot is proven while it flows, its end and its checksum, and its keys are counted. The password is never on
// a command line.
//
// A restore goes into the folder of a server that is stopped, as the file that it loads when it starts, or into a server
// that runs and is empty, key by key.
package redis

import (
	"fmt"
	"path/filepath"

	"github.com/castrolanda/imsctl/providers"
)

// defaultPort is Redis's own.
const defaultPort = 6379

// Provider is the registry's entry: source "redis".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindSource,
		Type:    "redis",
		Summary: "A Redis or Valkey server, as an RDB file.",
		New:     func() providers.Config { return &Config{Port: defaultPort} },
		Restore: newRestorer,

		Drill:      newDriller,
		CheckDrill: checkDrill,
		Database:   true,
	}
}

// Config is the body of the block.
type Config struct {
	Host       providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Container  string              `hcl:"container,optional" doc:"The container that it runs in."`
	Address    string              `hcl:"address,optional" doc:"HOST:PORT, or the absolute path of its socket, where it is not in a container."`
	User       string              `hcl:"user,optional" doc:"The ACL user to connect as."`
	Password   string              `hcl:"password,optional" doc:"Its password; take it from the environment: env(\"REDIS_PASSWORD\")."`
	Port       int64               `hcl:"port,optional" doc:"Its port in the container; 6379 when left out."`
	TLS        bool                `hcl:"tls,optional" doc:"Connect with TLS."`
	CAFile     string              `hcl:"ca_file,optional" doc:"Certificates (PEM) of those who may vouch for the server; those that the system trusts when left out. In a container, this and the next two are files there."`
	CertFile   string              `hcl:"cert_file,optional" doc:"The certificate (PEM) to show to the server, and key_file its key."`
	KeyFile    string              `hcl:"key_file,optional" doc:"The key (PEM) of cert_file."`
	ServerName string              `hcl:"server_name,optional" doc:"The name that the server's certificate must be for; the host of address when left out."`
	Keys       []string            `hcl:"keys,optional" doc:"Patterns, such as \"ml:*\": how many keys match each is recorded, beside how many each database has."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	if (c.Container == "") == (c.Address == "") {
		problems = append(problems, providers.Problem{Attribute: "container", Summary: "No single place", Detail: "Say where the server is, with either container or address."})
	} else if c.Address != "" {
		if _, _, err := splitAddress(c.Address); err != nil {
			problems = append(problems, providers.Problem{Attribute: "address", Summary: "Invalid address", Detail: sentence(err)})
		}
	}
	if c.Port < 1 || c.Port > 65535 {
		problems = append(problems, providers.Problem{Attribute: "port", Summary: "Invalid port", Detail: "A port is a number from 1 to 65535."})
	} else if c.Port != defaultPort && c.Container == "" {
		problems = append(problems, providers.Problem{Attribute: "port", Summary: "Attribute without effect", Detail: "port belongs to container; address has it inside: HOST:PORT."})
	}
	problems = append(problems, c.certificateProblems()...)
	for _, pattern := range c.Keys {
		if _, err := parsePattern(pattern); err != nil {
			problems = append(problems, providers.Problem{Attribute: "keys", Summary: "Invalid pattern", Detail: sentence(err)})
		}
	}
	return problems
}

// certificateProblems checks what belongs to TLS.
func (c *Config) certificateProblems() []providers.Problem {
	for _, attribute := range []struct{ name, value string }{
		{"ca_file", c.CAFile}, {"cert_file", c.CertFile}, {"key_file", c.KeyFile}, {"server_name", c.ServerName},
	} {
		if attribute.value != "" && !c.TLS {
			return []providers.Problem{{Attribute: attribute.name, Summary: "Attribute without effect",
				Detail: attribute.name + " belongs to TLS. Set tls = true, or leave it out."}}
		}
	}
	if (c.CertFile == "") != (c.KeyFile == "") {
		return []providers.Problem{{Attribute: "tls", Summary: "Half a certificate", Detail: "cert_file and key_file belong together: give both, or none."}}
	}
	return nil
}

// Source makes the source.
func (c *Config) Source(environment providers.Environment) (providers.Source, error) {
	patterns := make([]pattern, len(c.Keys))
	for i, text := range c.Keys {
		var err error
		if patterns[i], err = parsePattern(text); err != nil {
			return nil, fmt.Errorf("source redis: %w", err)
		}
	}
	made, err := c.server(environment)
	if err != nil {
		return nil, fmt.Errorf("source redis: %w", err)
	}
	return &source{server: made, patterns: patterns, clock: environment.Clock}, nil
}

// Claim implements providers.Claimed. A server at an address knows itself who reads it.
func (c *Config) Claim(providers.Environment) providers.Claim {
	if c.Container == "" {
		return providers.Claim{}
	}
	return providers.Claim{Host: c.Host, What: fmt.Sprintf("the Redis server in container %q at port %d", c.Container, c.Port)}
}

// server is the one that the block describes.
func (c *Config) server(environment providers.Environment) (server, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	if c.Container == "" {
		return c.addressed(environment, host)
	}
	containers, err := environment.Containers(host)
	if err != nil {
		return nil, err
	}
	made := &contained{containers: containers, in: containers.In(c.Container), name: c.Container, port: c.Port, user: c.User, password: c.Password}
	if c.TLS {
		made.certificates = &certificates{authorities: c.CAFile, certificate: c.CertFile, key: c.KeyFile, server: c.ServerName}
	}
	return made, nil
}

// addressed is the server at an address.
func (c *Config) addressed(environment providers.Environment, host providers.Host) (*address, error) {
	network, place, err := splitAddress(c.Address)
	if err != nil {
		return nil, err
	}
	a := &address{network: network, place: place, user: c.User, password: c.Password}
	if c.TLS {
		a.certificates = &certificates{
			authorities: inFolder(environment.Directory, c.CAFile),
			certificate: inFolder(environment.Directory, c.CertFile), key: inFolder(environment.Directory, c.KeyFile),
			server: c.ServerName,
		}
	}
	dialer, ok := host.(providers.Dialer)
	if !ok {
		return nil, fmt.Errorf("host %q does not reach servers by their address", host.Name())
	}
	a.dialer = dialer
	return a, nil
}

// inFolder is where a file is that is told relative to a folder.
func inFolder(folder, file string) string {
	if file == "" || filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(folder, file)
}
