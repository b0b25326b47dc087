package site

import (
	"slices"
	"testing"
	"time"
)

const understood = `{"name":"app","configs":{"c":{"name":"app_c","file":"/r/conf/c"}},"secrets":{"s":{"file":"/elsewhere/s"}},"services":{
	"db":{"image":"postgres:15","restart":"unless-stopped","healthcheck":{"test":["CMD","true"],"interval":"10s","retries":5,"timeout":"5s","start_period":"1m0s"}},
	"web":{"build":{"context":"/r"},"depends_on":{"db":{"condition":"service_healthy"}},"healthcheck":{"test":["CMD","x"],"timeout":"2s","interval":"1s","retries":3},
		"volumes":[{"type":"bind","source":"/r/web","target":"/x"},{"type":"volume","source":"v","target":"/v"},{"type":"bind","source":"/var/run/docker.sock","target":"/s"}],
		"configs":[{"source":"c"}],"secrets":[{"source":"s"}]},
	"none":{"image":"x","healthcheck":{"test":["NONE"]},"scale":0},
	"off":{"image":"x","healthcheck":{"disable":true},"deploy":{"replicas":3}},
	"usual":{"image":"x","healthcheck":{"test":["CMD","x"]}},
	"once":{"image":"x","restart":"on-failure:3"}}}`

func TestConfig(t *testing.T) {
	t.Parallel()
	c, err := parseConfig([]byte(understood))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]time.Duration{"db": 115 * time.Second, "web": 5 * time.Second, "none": 0, "off": 0, "usual": 2 * time.Minute} {
		if got := c.Services[name].decides(); got != want {
			t.Errorf("%s decides after %s, not %s", name, got, want)
		}
	}
	if got := c.wait(); got != 2*time.Minute {
		t.Errorf("all of it waits for %s: web comes after db", got)
	}
	if got := c.unchecked(); !slices.Equal(got, []string{"off", "once"}) {
		t.Errorf("unchecked: %v", got)
	}
	if got := c.mounts("web", "/r"); !slices.Equal(got, []string{"conf/c", "web"}) {
		t.Errorf("mounts: %v", got)
	}
	if c.image("app", "web") != "app-web" || c.image("app", "db") != "postgres:15" {
		t.Error("names of images")
	}
	if c.Services["off"].replicas() != 3 || c.Services["none"].replicas() != 0 || c.Services["db"].replicas() != 1 {
		t.Error("replicas")
	}
	if !c.Services["once"].oneShot() || c.Services["db"].oneShot() {
		t.Error("what may end")
	}
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte(understood))
	f.Add([]byte(`{"services":{"a":{"healthcheck":{"interval":"1h","retries":999999999999,"timeout":"-1s"}}}}`))
	f.Add([]byte(`{"services":{"a":{"depends_on":{"b":{}}},"b":{"depends_on":{"a":{}}}}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := parseConfig(text)
		if err != nil {
			return
		}
		if wait := c.wait(); wait < 0 || wait > longestWait {
			t.Errorf("waits for %s", wait)
		}
		c.unchecked()
		for _, name := range c.names() {
			c.mounts(name, "/r")
			c.image("app", name)
		}
	})
}

func TestProjectNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"Inventory System_novo": "inventorysystem_novo", "--x": "x", "20260101T000000Z-abc.staging": "20260101t000000z-abcstaging"} {
		if got := normalized(name); got != want {
			t.Errorf("%s becomes %s, not %s", name, got, want)
		}
	}
}

func TestFamiliarNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"redis": "redis:latest", "docker.io/library/redis:7": "redis:7", "docker.io/a/b": "a/b:latest", "host:5000/a": "host:5000/a:latest",
		"a:1@sha256:00": "a@sha256:00", "host:5000/a@sha256:00": "host:5000/a@sha256:00", "sha256:00": "sha256:00",
	} {
		if got := familiar(name); got != want {
			t.Errorf("%s is shown as %s, not %s", name, got, want)
		}
	}
}

func TestComposePrograms(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"2.30.1\n": "docker", "\n2.5.0\n": "docker-compose", "\nv2.5.0\n": "docker-compose", "\nnone\n": "", "\n1.29.2\n": "", "": "",
	} {
		got, err := composeFrom(said)
		if want == "" && err == nil || want != "" && (err != nil || got[0] != want) {
			t.Errorf("%q: %v, %v", said, got, err)
		}
	}
}

func TestMistakenLine(t *testing.T) {
	t.Parallel()
	const text = `# a comment
x-web: &w
  web: no
services:
  db:
    depends_on:
      web: {}
  web:
    image: x
    imgae: y
networks:
  web: {}
`
	for said, want := range map[string]int{
		"yaml: line 7: did not find expected key":                                           7,
		"go-yaml load error in parser (while parsing a block mapping) at L2.C3-L4.C3: what": 2,
		"services.web additional properties 'imgae' not allowed":                            10,
		"services.web.image must be a string":                                               9,
		"networks.web must be a mapping":                                                    12,
		`service "web" depends on undefined service "nope": invalid compose project`:        8,
		"something else": 0,
	} {
		if got := mistakenLine(said, text); got != want {
			t.Errorf("%s: line %d, not %d", said, got, want)
		}
	}
}

func FuzzMistakenLine(f *testing.F) {
	f.Add("services.web.x must be", "services:\n web:\n")
	f.Fuzz(func(t *testing.T, said, text string) { mistakenLine(said, text) })
}

func TestSameURL(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"git@github.com:a/b.git", "https://github.com/a/b"}, {"ssh://git@GitHub.com:22/a/b/", "https://user@github.com/a/b.git"}, {"/srv/a.git", "/srv/a"},
	} {
		if !sameURL(same[0], same[1]) {
			t.Errorf("%s is %s", same[0], same[1])
		}
	}
	for _, other := range [][2]string{{"git@github.com:a/b.git", "git@github.com:a/c.git"}, {"https://one/a/b", "https://two/a/b"}, {"/srv/a", "/srv/b"}} {
		if sameURL(other[0], other[1]) {
			t.Errorf("%s is not %s", other[0], other[1])
		}
	}
}

func TestTotal(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]int64{
		"Filesystem     1024-blocks     Used Available Capacity Mounted on\n/dev/with space 1000 200 800 20% /\n": 1024000,
		"Filesystem 1024-blocks Used Available Capacity Mounted on\nnone 5 9 -4 180% /\n":                         5120,
		"": 0, "x 99999999999999999999 1 1 1% /": 0,
	} {
		if got := parseTotal(said); got != want {
			t.Errorf("%q: %d, not %d", said, got, want)
		}
	}
}
