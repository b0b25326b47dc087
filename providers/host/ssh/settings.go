package ssh

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/kevinburke/ssh_config"
)

// surroundings are what the user's habits are read from.
type surroundings struct {
	// home is the folder that has .ssh in it.
	home string
	// user is who imsctl runs as.
	user string
	// agent is the socket of the agent, empty where there is none.
	agent string
	// system is the folder of the settings of the whole machine.
	system string
}

// ordinarySurroundings is how to find them when they are first needed.
func ordinarySurroundings() func() (surroundings, error) {
	return func() (surroundings, error) {
		who, err := user.Current()
		if err != nil {
			return surroundings{}, fmt.Errorf("finding the user's name: %w", err)
		}
		home := os.Getenv("HOME")
		if home == "" {
			// A service of systemd has none, and its user has a home all the same.
			home = who.HomeDir
		}
		return surroundings{home: home, user: who.Username, agent: os.Getenv("SSH_AUTH_SOCK"), system: "/etc/ssh"}, nil
	}
}

// endpoint is one machine on the way and how to be let in there.
type endpoint struct {
	alias, host, user string
	port              int
	// identities are the files of private keys; chosen says that somebody named them.
	identities []string
	chosen     bool
	// only says that no other key is to be used than those of identities.
	only bool
	// agent is a socket, empty for no agent.
	agent      string
	knownHosts []string
	// knownAs is the name it has in known_hosts.
	knownAs string
}

// address is where it listens.
func (e endpoint) address() string { return net.JoinHostPort(e.host, strconv.Itoa(e.port)) }

// String is the address, and the name that people use where that is another.
func (e endpoint) String() string {
	if e.alias != e.host {
		return e.alias + " (" + e.address() + ")"
	}
	return e.address()
}

// longestWay is how many machines a way may go through. More of them are a circle.
const longestWay = 10

// settings are the files that ssh reads.
type settings struct {
	surroundings
	files []*ssh_config.Config
}

// readSettings reads them. A file that is not there says nothing.
func readSettings(around surroundings) (*settings, error) {
	s := &settings{surroundings: around}
	for _, path := range []string{filepath.Join(around.home, ".ssh", "config"), filepath.Join(around.system, "ssh_config")} {
		text, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("reading the settings of ssh: %w", err)
		}
		parsed, err := ssh_config.DecodeBytes(text)
		if err != nil {
			return nil, fmt.Errorf("reading the settings of ssh: %s: %w", path, err)
		}
		s.files = append(s.files, parsed)
	}
	return s, nil
}

// get returns the first value that the files have for a machine.
func (s *settings) get(alias, key string) (string, error) {
	for _, file := range s.files {
		value, err := file.Get(alias, key)
		if err != nil || value != "" {
			return value, err
		}
	}
	return "", nil
}

// all returns every value that the files have for a machine.
func (s *settings) all(alias, key string) ([]string, error) {
	var values []string
	for _, file := range s.files {
		found, err := file.GetAll(alias, key)
		if err != nil {
			return nil, err
		}
		values = append(values, found...)
	}
	return values, nil
}

// way lists the machines to go through, and at its end the one that the block names.
func (s *settings) way(config Config) ([]endpoint, error) {
	target, err := s.endpoint(jump{host: config.Address, user: config.User, port: int(config.Port)})
	if err != nil {
		return nil, err
	}
	if config.KeyFile != "" {
		target.identities, target.chosen, target.only = []string{s.expand(config.KeyFile, target)}, true, true
	}
	way, err := s.through(config.Address, config.Jump, 0)
	if err != nil {
		return nil, err
	}
	for i := range way {
		if !way[i].chosen && config.KeyFile != "" {
			way[i].identities, way[i].chosen = target.identities, true
		}
	}
	way = append(way, target)
	if config.KnownHosts != "" {
		for i := range way {
			way[i].knownHosts = []string{s.expand(config.KnownHosts, way[i])}
		}
	}
	return way, nil
}

// through lists the machines on the way to another one. The first of them may have machines on its own way.
func (s *settings) through(alias, said string, depth int) ([]endpoint, error) {
	if said == "" {
		var err error
		if said, err = s.get(alias, "ProxyJump"); err != nil {
			return nil, err
		}
	}
	jumps, err := parseJumps(said)
	if err != nil {
		return nil, fmt.Errorf("the ProxyJump %q of %s: %w", said, alias, err)
	}
	// A rule for all machines ("Host *") is also one for the machine that it sends the others through.
	jumps = slices.DeleteFunc(jumps, func(next jump) bool { return next.host == alias })
	var way []endpoint
	for i, next := range jumps {
		if depth+i >= longestWay {
			return nil, fmt.Errorf("the way to %s goes through more than %d machines: is its ProxyJump a circle?", alias, longestWay)
		}
		if i == 0 {
			before, err := s.through(next.host, "", depth+1)
			if err != nil {
				return nil, err
			}
			way = append(way, before...)
		}
		reached, err := s.endpoint(next)
		if err != nil {
			return nil, err
		}
		way = append(way, reached)
	}
	return way, nil
}

// endpoint looks a machine up. What the jump says goes before what the files say.
func (s *settings) endpoint(named jump) (endpoint, error) {
	e := endpoint{alias: named.host, user: named.user, port: named.port}
	values := make(map[string]string)
	for _, key := range []string{"HostName", "User", "Port", "IdentityAgent", "IdentitiesOnly", "UserKnownHostsFile", "GlobalKnownHostsFile", "HostKeyAlias", "ProxyCommand"} {
		value, err := s.get(named.host, key)
		if err != nil {
			return endpoint{}, fmt.Errorf("the settings of ssh for %s: %w", named.host, err)
		}
		values[key] = value
	}
	if command := values["ProxyCommand"]; command != "" && !strings.EqualFold(command, "none") {
		return endpoint{}, fmt.Errorf("the settings of ssh for %s have a ProxyCommand, which imsctl does not run: use ProxyJump, or jump", named.host)
	}
	if e.host = strings.ReplaceAll(values["HostName"], "%h", named.host); e.host == "" {
		e.host = named.host
	}
	if e.user == "" {
		e.user = values["User"]
	}
	if e.user == "" {
		e.user = s.user
	}
	if e.port == 0 && values["Port"] != "" {
		port, err := strconv.ParseUint(values["Port"], 10, 16)
		if err != nil || port == 0 {
			return endpoint{}, fmt.Errorf("the settings of ssh for %s have the port %q, which is none", named.host, values["Port"])
		}
		e.port = int(port)
	}
	if e.port == 0 {
		e.port = usualPort
	}
	e.only, e.knownAs = strings.EqualFold(values["IdentitiesOnly"], "yes"), values["HostKeyAlias"]
	s.findAgent(&e, values["IdentityAgent"])
	s.findKnownHosts(&e, values["UserKnownHostsFile"], values["GlobalKnownHostsFile"])
	return e, s.findIdentities(&e)
}

// findAgent chooses the socket of the agent.
func (s *settings) findAgent(e *endpoint, said string) {
	switch {
	case said == "" || said == "SSH_AUTH_SOCK":
		e.agent = s.agent
	case strings.EqualFold(said, "none"):
	case strings.HasPrefix(said, "$"):
		e.agent = os.Getenv(strings.Trim(said[1:], "{}"))
	default:
		e.agent = s.expand(said, *e)
	}
}

// findKnownHosts chooses the files with the keys of machines.
func (s *settings) findKnownHosts(e *endpoint, users, systems string) {
	if users == "" {
		users = "~/.ssh/known_hosts ~/.ssh/known_hosts2"
	}
	if systems == "" {
		systems = filepath.Join(s.system, "ssh_known_hosts") + " " + filepath.Join(s.system, "ssh_known_hosts2")
	}
	for _, name := range slices.Concat(strings.Fields(users), strings.Fields(systems)) {
		if !strings.EqualFold(name, "none") {
			e.knownHosts = append(e.knownHosts, s.expand(name, *e))
		}
	}
}

// findIdentities chooses the files of private keys: those that are named, or the usual ones.
func (s *settings) findIdentities(e *endpoint) error {
	named, err := s.all(e.alias, "IdentityFile")
	if err != nil {
		return fmt.Errorf("the settings of ssh for %s: %w", e.alias, err)
	}
	e.chosen = len(named) > 0
	if !e.chosen {
		named = []string{"~/.ssh/id_ed25519", "~/.ssh/id_ecdsa", "~/.ssh/id_rsa"}
	}
	for _, name := range named {
		if !strings.EqualFold(name, "none") {
			e.identities = append(e.identities, s.expand(name, *e))
		}
	}
	return nil
}

// expand replaces ~ and the percent signs of the name of a file; see "TOKENS" in ssh_config(5).
func (s *settings) expand(name string, e endpoint) string {
	if name == "~" || strings.HasPrefix(name, "~/") {
		name = s.home + name[1:]
	}
	name = strings.NewReplacer("%%", "%", "%d", s.home, "%u", s.user, "%h", e.host, "%n", e.alias, "%p", strconv.Itoa(e.port), "%r", e.user).Replace(name)
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.home, name)
	}
	return name
}

// jump is a machine as people write it: USER@HOST:PORT.
type jump struct {
	host, user string
	port       int
}

// parseJumps reads a list of machines, separated by commas. "none" and an empty text are an empty list.
func parseJumps(text string) ([]jump, error) {
	if text == "" || strings.EqualFold(text, "none") {
		return nil, nil
	}
	var jumps []jump
	for part := range strings.SplitSeq(text, ",") {
		var j jump
		rest := strings.TrimPrefix(strings.TrimSpace(part), "ssh://")
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			j.user, rest = rest[:at], rest[at+1:]
			if j.user == "" {
				return nil, errors.New("there is no user before the @")
			}
		}
		j.host = strings.Trim(rest, "[]")
		if host, port, err := net.SplitHostPort(rest); err == nil {
			number, err := strconv.ParseUint(port, 10, 16)
			if err != nil || number == 0 {
				return nil, fmt.Errorf("%q is no port", port)
			}
			j.host, j.port = host, int(number)
		}
		if j.host == "" || strings.HasPrefix(j.host, "-") || strings.ContainsAny(j.host, " \t/@[]") {
			return nil, fmt.Errorf("%q is no name of a machine", j.host)
		}
		jumps = append(jumps, j)
	}
	return jumps, nil
}
