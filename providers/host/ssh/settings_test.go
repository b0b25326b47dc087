package ssh

import (
	"os"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// settle reads settings from a text.
func settle(t *testing.T, text string) *settings {
	t.Helper()
	home := t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".ssh"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(home, ".ssh", "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := readSettings(surroundings{home: home, user: "me", agent: "/run/agent", system: "/nowhere"})
	if err != nil {
		t.Fatal(err)
	}
	s.home = "/home/me"
	return s
}

const exampleSettings = `
IdentityFile ~/.ssh/for_all
Host vm vm2
  HostName %h.example.org
  User operator
  Port 2222
  IdentityFile ~/.ssh/%n_%r
  IdentitiesOnly yes
  ProxyJump me@edge:2200,inner
Host edge
  HostName 192.0.2.1
  IdentityAgent none
  UserKnownHostsFile ~/edge_hosts /etc/edge_hosts
  ProxyJump gate
Host inner
  ProxyJump never
Host straight
  ProxyJump none
Host loop
  ProxyJump pool
Host pool
  ProxyJump loop
Host proxied
  ProxyCommand nc %h %p
Host *.starred
  ProxyJump bastion.starred
`

func TestWays(t *testing.T) {
	for name, test := range map[string]struct {
		config Config
		want   []string
	}{
		"nothing is said":     {Config{Address: "192.0.2.7"}, []string{"me@192.0.2.7:22"}},
		"by the block":        {Config{Address: "vm", User: "root", Port: 22, Jump: "none"}, []string{"root@vm.example.org:22"}},
		"by the settings":     {Config{Address: "vm"}, []string{"me@gate:22", "me@192.0.2.1:2200", "me@inner:22", "operator@vm.example.org:2222"}},
		"block before others": {Config{Address: "vm", Jump: "a@b:1"}, []string{"a@b:1", "operator@vm.example.org:2222"}},
		"straight":            {Config{Address: "straight"}, []string{"me@straight:22"}},
		"six":                 {Config{Address: "fe80::1", Jump: "[::1]:2222"}, []string{"me@[::1]:2222", "me@[fe80::1]:22"}},
		"for all":             {Config{Address: "a.starred"}, []string{"me@bastion.starred:22", "me@a.starred:22"}},
	} {
		t.Run(name, func(t *testing.T) {
			way, err := settle(t, exampleSettings).way(test.config)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range way {
				got = append(got, e.user+"@"+e.address())
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWhatSettingsSayOfAMachine(t *testing.T) {
	s := settle(t, exampleSettings)
	way, err := s.way(Config{Address: "vm"})
	if err != nil {
		t.Fatal(err)
	}
	edge, vm := way[1], way[3]
	if want := []string{"/home/me/.ssh/for_all", "/home/me/.ssh/vm_operator"}; !cmp.Equal(vm.identities, want) || !vm.only || !vm.chosen || vm.agent != "/run/agent" {
		t.Errorf("got %+v", vm)
	}
	if edge.agent != "" || !cmp.Equal(edge.knownHosts[:2], []string{"/home/me/edge_hosts", "/etc/edge_hosts"}) {
		t.Errorf("got %+v", edge)
	}
	way, err = s.way(Config{Address: "vm", KeyFile: "/keys/one", KnownHosts: "/keys/hosts"})
	if err != nil {
		t.Fatal(err)
	}
	if vm := way[3]; !cmp.Equal(vm.identities, []string{"/keys/one"}) || !vm.only || !cmp.Equal(vm.knownHosts, []string{"/keys/hosts"}) {
		t.Errorf("got %+v", vm)
	}
}

func TestSettingsThatCannotBeFollowed(t *testing.T) {
	for address, want := range map[string]string{
		"loop":    "is its ProxyJump a circle?",
		"proxied": "ProxyCommand, which imsctl does not run",
	} {
		if _, err := settle(t, exampleSettings).way(Config{Address: address}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v", address, err)
		}
	}
	if _, err := settle(t, "Host x\n  Port many\n").way(Config{Address: "x"}); err == nil {
		t.Error("a port that is none was accepted")
	}
}

func FuzzParseJumps(f *testing.F) {
	for _, seed := range []string{"", "none", "a", "a,b", "u@h:1", "[::1]:22", "ssh://u@h", "@h", "h:0", "h:99999", "-oProxyCommand=x", "a b", ",", "u@v@h"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		jumps, err := parseJumps(text)
		for _, j := range jumps {
			if err != nil || j.host == "" || j.host[0] == '-' || j.port < 0 || j.port > 65535 {
				t.Errorf("%q gives %+v, %v", text, jumps, err)
			}
		}
	})
}

func TestValidate(t *testing.T) {
	for attribute, config := range map[string]Config{
		"":        {Address: "vm", Port: 22, Jump: "a,b@c:1"},
		"address": {Address: "root@vm"},
		"port":    {Address: "vm", Port: 65536},
		"jump":    {Address: "vm", Jump: "a:b:c,:1"},

		"max_parallel": {Address: "vm"},
	} {
		if attribute != "max_parallel" {
			config.MaxParallel = usualParallel
		}
		problems := config.Validate()
		if attribute == "" && len(problems) != 0 || attribute != "" && (len(problems) != 1 || problems[0].Attribute != attribute) {
			t.Errorf("%+v: %+v", config, problems)
		}
	}
	if problems := (&Config{Address: "-oProxyCommand=x", MaxParallel: 1}).Validate(); len(problems) != 1 {
		t.Errorf("problems: %+v", problems)
	}
}

// TestThroughOtherMachines goes to a server through two others.
func TestThroughOtherMachines(t *testing.T) {
	first, second, last := testenv.SSH(t), testenv.SSH(t), testenv.SSH(t)
	hosts := ""
	for _, server := range []*testenv.SSHServer{first, second, last} {
		hosts += string(readFileOf(t, filepath.Join(server.Home, ".ssh", "known_hosts")))
		key, _, err := readKey(filepath.Join(last.Home, ".ssh", "id_ed25519"))
		if err != nil {
			t.Fatal(err)
		}
		if err := server.Authorize(key); err != nil {
			t.Fatal(err)
		}
	}
	name := know(t, last, hosts)
	h := open(t, last, Config{Address: "vm", KnownHosts: name, Jump: jumpTo(first) + "," + jumpTo(second)})
	if err := h.Run(t.Context(), nothing()); err != nil {
		t.Fatal(err)
	}
	if first.Connections() != 1 || second.Connections() != 1 || last.Connections() != 1 {
		t.Errorf("got %d, %d and %d connections", first.Connections(), second.Connections(), last.Connections())
	}
	// What breaks on the way breaks all of it, and the next operation goes the whole way again.
	link, err := h.connection.get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first.Cut()
	<-link.done
	if err := h.Run(t.Context(), nothing()); err != nil {
		t.Error(err)
	}
}

// TestAServiceHasNoHome: systemd gives its services no HOME, and cron one of its own.
func TestAServiceHasNoHome(t *testing.T) {
	t.Setenv("HOME", "")
	who, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for home, want := range map[string]string{"": who.HomeDir, "/somewhere": "/somewhere"} {
		t.Setenv("HOME", home)
		got, err := ordinarySurroundings()()
		if err != nil || got.home != want || got.user != who.Username {
			t.Errorf("HOME=%s: got %+v, %v; want %s", home, got, err, want)
		}
	}
}
