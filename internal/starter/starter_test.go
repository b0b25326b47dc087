package starter_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/starter"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/spec"
)

// load holds a generated specification against the language, in the canonical format.
func load(t *testing.T, text []byte, environment map[string]string) *spec.Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "imsctl.hcl")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	registry, err := builtin.Registry()
	if err != nil {
		t.Fatal(err)
	}
	loaded, diagnostics := spec.Load(path, spec.Options{
		Registry: registry, Version: "0.1.0", Profiles: []spec.Profile{{Name: "balanced", Method: "gzip", Level: 6}},
		Getenv: func(name string) (string, bool) { value, ok := environment[name]; return value, ok },
	})
	if loaded == nil {
		t.Fatalf("%v\n%s", diagnostics.List, text)
	}
	formatted, _ := spec.Format(text, path)
	if string(formatted) != string(text) {
		t.Errorf("not in the canonical format:\n%s", text)
	}
	return loaded
}

func TestEmptyIsValid(t *testing.T) {
	if loaded := load(t, starter.Empty().Text(), nil); len(loaded.Backups) != 1 {
		t.Errorf("%d backups, want 1", len(loaded.Backups))
	}
}

// TestFromCompose loads what is written of compose files, with and without the secrets, and looks for what must be in it.
func TestFromCompose(t *testing.T) {
	for name, c := range map[string]struct {
		compose, env string
		environment  []string
		want, not    []string
		variables    string
	}{
		"a published port": {
			compose: "services: {db: {image: postgres, environment: {POSTGRES_PASSWORD: '${PW}', POSTGRES_USER: u}, ports: ['5433:5432']}}",
			env:     "PW=s3cret\n",
			want:    []string{`postgres://u:${replace(urlencode(env("PW", "")), "+", "%20")}@127.0.0.1:5433/u`}, not: []string{"s3cret"}, variables: "PW",
		},
		"an address of the port": {
			compose: "services: {db: {image: 'docker.io/library/postgres:16@sha256:" + strings.Repeat("0", 64) + "', environment: [POSTGRES_HOST_AUTH_METHOD=trust], ports: ['[::1]:5433:5432']}}",
			want:    []string{`url = "postgres://postgres@[::1]:5433/postgres"`},
		},
		"no single published port": {
			compose: "services: {db: {image: postgres, ports: ['5433-5434:5432-5433', '5432']}}",
			want:    []string{`postgres://`, `@127.0.0.1:5433/`}, variables: "POSTGRES_PASSWORD",
		},
		"in its container": {
			compose: "name: p\nservices: {db: {image: pgvector/pgvector, environment: {POSTGRES_PASSWORD: s3cret, POSTGRES_DB: d}}}",
			want:    []string{`container = "p-db-1"`, `database  = "d"`, `user      = "postgres"`}, not: []string{"s3cret", "env("},
		},
		"the network of the host": {
			compose: "services: {db: {image: postgres, network_mode: host, environment: {POSTGRES_PASSWORD: s3cret}}}",
			want:    []string{`@127.0.0.1:5432/postgres`, `env("POSTGRES_PASSWORD", "")`}, not: []string{"s3cret"}, variables: "POSTGRES_PASSWORD",
		},
		"names that a URL cannot have as they are": {
			compose: "services: {db: {image: postgres, environment: {POSTGRES_USER: 'a@b:$$c{ d', POSTGRES_DB: '%{x}\"', POSTGRES_PASSWORD: x}, ports: ['1:5432']}}",
			want:    []string{`postgres://a%40b%3A%24c%7B%20d:`, `/%25%7Bx%7D%22"`}, variables: "POSTGRES_PASSWORD",
		},
		"two secrets of one name": {
			compose: "services: {a-1: {image: postgres, environment: {POSTGRES_PASSWORD: s3cret1}, ports: ['1:5432']}, b.2: {image: postgres, environment: {POSTGRES_PASSWORD: s3cret2}, ports: ['2:5432']}}",
			want:    []string{`env("POSTGRES_PASSWORD", "")`, `env("B_2_POSTGRES_PASSWORD", "")`, `source "postgres" "b_2"`},
			not:     []string{"s3cret"}, variables: "B_2_POSTGRES_PASSWORD POSTGRES_PASSWORD",
		},
		"a secret with a default, and one in a longer text": {
			compose: "services: {a: {image: postgres, environment: {POSTGRES_PASSWORD: '${PW:-fallback}'}, ports: ['1:5432']}, b: {image: postgres, environment: {POSTGRES_PASSWORD: 'x-${PW}'}, ports: ['2:5432']}}",
			want:    []string{`env("PW", "")`, `env("POSTGRES_PASSWORD", "")`}, not: []string{"fallback", "x-"}, variables: "POSTGRES_PASSWORD PW",
		},
		"the environment comes before .env": {
			compose: "services: {db: {image: postgres, environment: {POSTGRES_PASSWORD: x}, ports: ['${PORT}:5432']}}",
			env:     "PORT=1\n", environment: []string{"PORT=2"},
			want: []string{"@127.0.0.1:2/"}, variables: "POSTGRES_PASSWORD",
		},
		"redis with a password in its command": {
			compose: "services: {r: {image: 'valkey/valkey:8', command: [valkey-server, --requirepass, '${RPW}'], ports: ['6380:6379']}, s: {image: redis, command: 'redis-server --requirepass s3cret'}}",
			env:     "RPW=pw1\n",
			want:    []string{`address  = "127.0.0.1:6380"`, `password = env("RPW", "")`, `password  = env("REDIS_PASSWORD", "")`}, not: []string{"s3cret", "pw1"},
			variables: "REDIS_PASSWORD RPW",
		},
		"volumes that have no folder here": {
			compose: "services: {w: {image: w, volumes: ['va:/a', 'vb:/b', 'vc:/c', './d:/d']}}\nvolumes: {va: {driver: other}, vb: {driver_opts: {type: tmpfs, device: tmpfs}}, vc: {driver_opts: {type: none, o: bind, device: /srv/c}}}",
			want:    []string{`path = "/srv/c"`, `path = "d"`, "# - the volume va:", "# - the volume vb:"},
		},
		"a volume of somebody else": {
			compose: "services: {w: {image: w, volumes: ['vol:/v']}}\nvolumes: {vol: {external: true, name: Über-Volume}}",
			want:    []string{`path = "/var/lib/docker/volumes/Über-Volume/_data"`, `source "files" "vol"`},
		},
		"names of blocks": {
			compose: "services: {w: {image: w, volumes: ['./1 Daten:/a', './daten:/b', './Daten:/c', './é:/d', '" + "./" + strings.Repeat("x", 100) + ":/e']}}",
			want:    []string{`source "files" "daten"`, `source "files" "daten_2"`, `source "files" "daten_3"`, `source "files" "data"`},
		},
		"the folder of the copies": {
			compose: "services: {w: {image: w, volumes: ['./imsctl-backups:/a', '.:/b']}}",
			want:    []string{"# - imsctl-backups: it is where the copies go", `exclude = ["/.imsctl", "/imsctl-backups"]`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, filepath.Join(folder, "compose.yaml"), c.compose)
			if c.env != "" {
				write(t, filepath.Join(folder, ".env"), c.env)
			}
			begun, err := starter.FromCompose(t.Context(), filepath.Join(folder, "compose.yaml"), folder, c.environment)
			if err != nil {
				t.Fatal(err)
			}
			text := begun.Text()
			for _, want := range c.want {
				if !strings.Contains(string(text), want) {
					t.Errorf("%s is not in\n%s", want, text)
				}
			}
			for _, not := range c.not {
				if strings.Contains(string(text), not) {
					t.Errorf("%s is in\n%s", not, text)
				}
			}
			if got := strings.Join(begun.Variables, " "); got != c.variables {
				t.Errorf("variables %q, want %q", got, c.variables)
			}
			load(t, text, nil)
			secrets := make(map[string]string)
			for _, name := range begun.Variables {
				secrets[name] = "p@ss/w:rd+1 %2"
			}
			if loaded := load(t, text, secrets); len(loaded.Sources) != len(begun.Sources) {
				t.Errorf("%d sources, want %d", len(loaded.Sources), len(begun.Sources))
			}
		})
	}
}

// TestCommentsCannotEnd writes what a compose file might have to break out of a comment.
func TestCommentsCannotEnd(t *testing.T) {
	begun := starter.Empty()
	begun.Project = "a\nb"
	begun.Sources[0].Comments = []string{"x\r\n}\u2028backup"}
	begun.LeftOut = []starter.Omission{{What: "a\x1b[2J", Why: "b\n{"}}
	if text := begun.Text(); strings.ContainsAny(string(text), "\r\x1b\u2028") {
		t.Errorf("%q", text)
	}
	load(t, begun.Text(), nil)
}

// TestWarnings tells what compose would warn of instead of printing it.
func TestWarnings(t *testing.T) {
	file := filepath.Join(t.TempDir(), "compose.yaml")
	write(t, file, "version: '3'\nservices: {w: {image: 'w${NOWHERE}', volumes: ['./a:/a']}}")
	begun, err := starter.FromCompose(t.Context(), file, filepath.Dir(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(begun.Warnings, "\n"); !strings.Contains(got, "NOWHERE") || !strings.Contains(got, "version") {
		t.Errorf("warnings %q", got)
	}
}

// TestErrorsHoldNoSecret spoils files where a password stands.
func TestErrorsHoldNoSecret(t *testing.T) {
	const valid = "services: {db: {image: postgres, environment: {POSTGRES_PASSWORD: x}}}"
	for name, c := range map[string]struct{ compose, env, want string }{
		"a dollar in the compose file": {"services: {db: {image: postgres, environment: {POSTGRES_PASSWORD: 's3cret${x'}}}", "", "write $$"},
		"a dollar in .env":             {valid, "PW=\"s3cret ${\"\n", "single quotes"},
		"no name in .env":              {valid, "s3cret value\n", "NAME=value"},
		"a list":                       {"services: {db: {image: postgres, environment: {POSTGRES_PASSWORD: [s3cret]}}}", "", "POSTGRES_PASSWORD"},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			write(t, filepath.Join(folder, "compose.yaml"), c.compose)
			write(t, filepath.Join(folder, ".env"), c.env)
			_, err := starter.FromCompose(t.Context(), filepath.Join(folder, "compose.yaml"), folder, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want an error with %q and without the secret", err, c.want)
			}
		})
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
