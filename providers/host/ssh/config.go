// Package ssh reaches a machine by SSH: commands, files over SFTP, and sockets, all over one connection.
//
// # The connection
//
// It is made when something is first asked of the host, and again by the next operation after it broke; an operation in
// progress fails then and says so. ~/.ssh/config and /etc/ssh/ssh_config are read as ssh reads them: Host, Match host and
// user, HostName, User, Port, IdentityFile, IdentitiesOnly, IdentityAgent, ProxyJump, UserKnownHostsFile, HostKeyAlias.
// What the block says goes before what they say.
//
// The key of the machine must be in a known_hosts file. One that is not, or that is another, is an error: nothing is ever
// accepted and nothing is ever written there, whatever StrictHostKeyChecking says.
//
// # Commands
//
// See host.Run. Environment and arguments reach the far side through standard input, and its process list shows no more of
// them than it would of a command that was started there.
package ssh

import (
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: host "ssh".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindHost,
		Type:    "ssh",
		Summary: "A machine reached by SSH.",
		New:     func() providers.Config { return &Config{MaxParallel: usualParallel} },
	}
}

// usualParallel is how many backups read from a machine at once where nothing else is said: each has a command of the eight that run
// over a connection, and a disk and a network to share.
const usualParallel = 4

// usualPort is the one that machines listen on for SSH.
const usualPort = 22

// Config is the body of the block.
type Config struct {
	Address     string `hcl:"address" doc:"Its name, its IP address, or a Host of ~/.ssh/config."`
	Port        int64  `hcl:"port,optional" doc:"That of ~/.ssh/config, or 22, when left out."`
	User        string `hcl:"user,optional" doc:"The user to log in as; that of ~/.ssh/config, or the one imsctl runs as, when left out."`
	KeyFile     string `hcl:"key_file,optional" doc:"The file of a private key, and no other key is used; the agent and the files of ~/.ssh when left out."`
	KnownHosts  string `hcl:"known_hosts,optional" doc:"The file with the keys of known machines; those of ~/.ssh/config, or ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts, when left out."`
	Jump        string `hcl:"jump,optional" doc:"A machine to go through: USER@HOST:PORT, or several with commas; \"none\" for a straight way; that of ~/.ssh/config when left out."`
	MaxParallel int64  `hcl:"max_parallel,optional" doc:"How many backups may read from it at once; 4 when left out."`
	Sudo        bool   `hcl:"sudo,optional" doc:"Run commands and reach files as root with sudo, which must not ask for a password."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	report := func(attribute, summary, detail string) {
		problems = append(problems, providers.Problem{Attribute: attribute, Summary: summary, Detail: detail})
	}
	switch {
	case c.Address == "":
		report("address", "No address", "Say which machine.")
	case strings.HasPrefix(c.Address, "-") || strings.ContainsAny(c.Address, " \t\n@/"):
		report("address", "Invalid address", fmt.Sprintf("%q is no name or address of a machine. The user goes into user, the port into port.", c.Address))
	}
	if c.Port < 0 || c.Port > 65535 {
		report("port", "Invalid port", "A port is 1 to 65535.")
	}
	if c.MaxParallel < 1 {
		report("max_parallel", "Invalid limit", "At least one backup must be able to read from it. Write 1 or more.")
	}
	if _, err := parseJumps(c.Jump); err != nil {
		report("jump", "Invalid jump", fmt.Sprintf("%q is no way to a machine: %v. Write USER@HOST:PORT, where USER@ and :PORT can be left out.", c.Jump, err))
	}
	return problems
}

// Host makes the host. Nothing is read and nobody is asked before it is first used.
func (c *Config) Host(environment providers.Environment) (providers.Host, error) {
	located := *c
	for _, name := range []*string{&located.KeyFile, &located.KnownHosts} {
		if *name != "" && !filepath.IsAbs(*name) && !strings.HasPrefix(*name, "~/") {
			*name = filepath.Join(environment.Directory, *name)
		}
	}
	return newHost(located, ordinarySurroundings(), usualTiming()), nil
}

// Machine is the address, with the port where that is an unusual one: another port of this machine leads to another one.
func (c *Config) Machine() string {
	if c.Port != 0 && c.Port != usualPort {
		return net.JoinHostPort(strings.ToLower(c.Address), strconv.FormatInt(c.Port, 10))
	}
	address, err := netip.ParseAddr(c.Address)
	if c.Jump == "" && (strings.EqualFold(c.Address, "localhost") || err == nil && address.IsLoopback()) {
		return ""
	}
	return strings.ToLower(c.Address)
}

// Parallel implements providers.Limited.
func (c *Config) Parallel() int { return int(c.MaxParallel) }
