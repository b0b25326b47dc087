package postgres_test

import (
	"bytes"
	"cmp"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// passwords that have a meaning somewhere between a URL, a shell, a connection string and a regular expression.
var passwords = []string{"correct-horse", `p@ss:w/rd?x=1#y`, `sp ace 100%&+"quote'`, "çãé-漢字", `back\slash$1`, "a%2Fb%40c"}

// TestConnectionErrors holds that every way not to get a connection gives one sentence that names the server and the
// database, says what to look at, and never has the password in it.
func TestConnectionErrors(t *testing.T) {
	server, right := database(t, "errors", "create role locked_out login password 'x'; revoke connect on database errors from public")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := listener.Addr().(*net.TCPAddr).Port
	listener.Close()
	parsed, err := url.Parse(right)
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range []struct {
		name   string
		change func(u *url.URL, password string)
		want   []string
	}{
		{"wrong password", func(u *url.URL, password string) { u.User = url.UserPassword("postgres", password) },
			[]string{parsed.Host, `"errors"`, `"postgres"`, "check the user and the password"}},
		{"wrong password as a parameter", func(u *url.URL, password string) {
			u.User = url.User("postgres")
			u.RawQuery = "sslmode=disable&password=" + strings.ReplaceAll(url.QueryEscape(password), "+", "%20")
		}, []string{parsed.Host, `"errors"`, "check the user and the password"}},
		{"unknown user", func(u *url.URL, password string) { u.User = url.UserPassword("nobody-here", password) },
			[]string{parsed.Host, `"errors"`, `"nobody-here"`, "check the user"}},
		{"refused", func(u *url.URL, password string) {
			u.User, u.Host = url.UserPassword("postgres", password), "127.0.0.1:"+strconv.Itoa(closed)
		}, []string{"127.0.0.1:" + strconv.Itoa(closed), `"errors"`, "connection refused", "check the host and the port"}},
		{"refused with and without TLS", func(u *url.URL, password string) {
			u.User, u.Host, u.RawQuery = url.UserPassword("postgres", password), "localhost:"+strconv.Itoa(closed), ""
		}, []string{"localhost:" + strconv.Itoa(closed), `"errors"`, "connection refused"}},
		{"no socket", func(u *url.URL, password string) {
			u.User, u.Host = url.UserPassword("postgres", password), ""
			u.RawQuery = "host=/nowhere%20at%20all"
		}, []string{"/nowhere at all", `"errors"`, "no such file"}},
		{"no TLS there", func(u *url.URL, password string) {
			u.User, u.RawQuery = url.UserPassword("postgres", password), "sslmode=require"
		}, []string{parsed.Host, `"errors"`, "TLS"}},
		{"unknown host", func(u *url.URL, password string) {
			u.User, u.Host = url.UserPassword("postgres", password), "no-such-host.invalid:5432"
		}, []string{"no-such-host.invalid:5432", `"errors"`}},
	} {
		for _, password := range passwords {
			t.Run(failure.name+"/"+password, func(t *testing.T) {
				text := with(t, right, func(u *url.URL) { failure.change(u, password) })
				source := newSource(t, text, nil)
				_, inspected := source.Inspect(t.Context())
				var output bytes.Buffer
				_, read := source.Read(t.Context(), runName(t), &output)
				prepared := newRestorer(t, text).Prepare(t.Context())
				for _, err := range []error{inspected, read, prepared} {
					checkMessage(t, err, password, failure.want)
				}
				if output.Len() > 0 {
					t.Errorf("something was written: %q", output.String())
				}
			})
		}
	}
	t.Run("unknown database", func(t *testing.T) {
		text := with(t, right, func(u *url.URL) { u.Path = "/not_there" })
		_, err := newSource(t, text, nil).Inspect(t.Context())
		password, _ := parsed.User.Password()
		checkMessage(t, err, password, []string{parsed.Host, `no database "not_there"`, "check url"})
	})
	t.Run("no right to connect", func(t *testing.T) {
		text := with(t, right, func(u *url.URL) { u.User = url.UserPassword("locked_out", "x") })
		_, err := newSource(t, text, nil).Inspect(t.Context())
		checkMessage(t, err, "pass-", []string{parsed.Host, `"errors"`, "locked_out", "permission denied"})
	})
	t.Run("cannot make the database", func(t *testing.T) {
		text := with(t, right, func(u *url.URL) { u.User, u.Path = url.UserPassword("locked_out", "x"), "/not_to_be" })
		err := newRestorer(t, text).Prepare(t.Context())
		checkMessage(t, err, "pass-", []string{`"not_to_be"`, "permission denied"})
	})
	nothingLeft(t, server.URL("postgres"), runName(t))
}

// checkMessage holds that an error is one line that has what it must have and not the password.
func checkMessage(t *testing.T, err error, password string, want []string) {
	t.Helper()
	if err == nil {
		t.Fatal("there was no error")
	}
	for _, part := range want {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not have %q", err, part)
		}
	}
	for _, form := range []string{password, url.QueryEscape(password), url.PathEscape(password), url.UserPassword("", password).String()[1:]} {
		if strings.Contains(err.Error(), form) {
			t.Errorf("%q has the password", err)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%q has several lines", err)
	}
}

// script puts a program of a name on the PATH, before the others.
func script(t *testing.T, name, text string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":"+os.Getenv("PATH"))
}

func TestUnfitPrograms(t *testing.T) {
	_, text := database(t, "unfit", "create table things as select 1 as n")
	for _, test := range []struct {
		name    string
		prepare func(*testing.T)
		want    string
	}{
		{"older than the server", func(t *testing.T) { script(t, "pg_dump", "echo 'pg_dump (PostgreSQL) 9.6.24'") }, "is older than the server"},
		{"not PostgreSQL's", func(t *testing.T) { script(t, "pg_dump", "echo hello") }, "no version"},
		{"cannot run", func(t *testing.T) { script(t, "pg_dump", "echo broken installation >&2; exit 127") }, "broken installation"},
		{"missing", func(t *testing.T) { t.Setenv("PATH", t.TempDir()) }, "install PostgreSQL's client programs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.prepare(t)
			source := newSource(t, text, nil)
			_, inspected := source.Inspect(t.Context())
			var output bytes.Buffer
			_, read := source.Read(t.Context(), runName(t), &output)
			for _, err := range []error{inspected, read} {
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %q", err, test.want)
				}
			}
			if output.Len() > 0 {
				t.Error("something was written")
			}
		})
	}
	t.Run("psql missing", func(t *testing.T) {
		t.Setenv("PATH", t.TempDir())
		if err := newRestorer(t, text).Prepare(t.Context()); err == nil || !strings.Contains(err.Error(), "psql is not on the PATH") {
			t.Errorf("got %v", err)
		}
	})
}

// TestProgramsNeverShowThePassword has programs that say everything they know, and looks at what can be seen of them.
func TestProgramsNeverShowThePassword(t *testing.T) {
	for i, password := range passwords {
		t.Run(password, func(t *testing.T) {
			name := "talkative" + strconv.Itoa(i)
			server, _ := database(t, name, "")
			server.Exec(t, "postgres", "create role "+name+" superuser login password '"+strings.ReplaceAll(password, "'", "''")+"'")
			text := with(t, server.URL(name), func(u *url.URL) { u.User = url.UserPassword(name, password) })
			const tell = `test "$1" = --version && { echo "pg_dump (PostgreSQL) 99.1"; exit; }
echo "arguments: $*" >&2; echo "password: $PGPASSWORD" >&2; exit 1`
			script(t, "pg_dump", tell)
			script(t, "psql", tell)
			_, err := newSource(t, text, nil).Read(t.Context(), runName(t), &bytes.Buffer{})
			checkTold(t, err, password)
			restorer := newRestorer(t, text)
			if err := restorer.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err = restorer.Restore(t.Context(), strings.NewReader("select 1;\n"))
			checkTold(t, err, password)
		})
	}
}

func checkTold(t *testing.T, err error, password string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), "arguments: ") || !strings.Contains(err.Error(), "password: …") {
		t.Fatalf("got %v", err)
	}
	for _, form := range []string{password, url.QueryEscape(password), url.PathEscape(password)} {
		if strings.Contains(err.Error(), form) {
			t.Errorf("%q has the password", err)
		}
	}
}

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name   string
		config postgres.Config
		want   []string
	}{
		{"good", postgres.Config{URL: "postgres://u:p@h/d"}, nil},
		{"socket", postgres.Config{URL: "postgres:///d?host=/run/postgresql"}, nil},
		{"parameters", postgres.Config{URL: "postgresql://h/d?sslmode=require&options=-c%20x%3Dy&connect_timeout=3"}, nil},
		{"empty", postgres.Config{}, []string{"url"}},
		{"other scheme", postgres.Config{URL: "mysql://u:secret-word@h/d"}, []string{"url"}},
		{"no database", postgres.Config{URL: "postgres://u:secret-word@h/"}, []string{"url"}},
		{"slash in the password", postgres.Config{URL: "postgres://u:12/secret-word@h/d"}, []string{"url"}},
		{"question mark in the password", postgres.Config{URL: "postgres://u:12/a?secret-word@h/d"}, []string{"url"}},
		{"number sign in the password", postgres.Config{URL: "postgres://u:12/a#secret-word@h/d"}, []string{"url"}},
		{"space in the password", postgres.Config{URL: "postgres://u:secret-word x@h/d"}, []string{"url"}},
		{"bad escape", postgres.Config{URL: "postgres://u:secret-word%zz@h/d"}, []string{"url"}},
		{"bad port", postgres.Config{URL: "postgres://u:secret-word@h:99999/d"}, []string{"url"}},
		{"port zero", postgres.Config{URL: "postgres://u:secret-word@h:0/d"}, []string{"url"}},
		{"unknown parameter", postgres.Config{URL: "postgres://h/d?search_path=secret-word"}, []string{"url"}},
		{"key with a password", postgres.Config{URL: "postgres://h/d?sslpassword=secret-word"}, []string{"url"}},
		{"repeated parameter", postgres.Config{URL: "postgres://h/d?password=a&password=secret-word"}, []string{"url"}},
		{"bad mode", postgres.Config{URL: "postgres://h/d?sslmode=secret-word&password=secret-word"}, []string{"url"}},
		{"two servers", postgres.Config{URL: "postgres:///d?host=one,two&password=secret-word"}, []string{"url"}},
		{"clean alone", postgres.Config{URL: "postgres://h/d", Clean: true}, []string{"clean"}},
		{"if_exists alone", postgres.Config{URL: "postgres://h/d", IfExists: true}, []string{"if_exists"}},
		{"custom", postgres.Config{URL: "postgres://h/d", Format: "custom", NoPrivileges: true}, nil},
		{"unknown format", postgres.Config{URL: "postgres://h/d", Format: "directory"}, []string{"format"}},
		{"custom and for plain", postgres.Config{URL: "postgres://h/d", Format: "custom", Clean: true, IfExists: true, NoOwner: true, Globals: true},
			[]string{"clean", "if_exists", "no_owner", "globals"}},
		{"parallel", postgres.Config{URL: "postgres://h/d", Parallel: 32, Globals: true, Database: "*"}, nil},
		{"parallel of one", postgres.Config{URL: "postgres://h/d", Parallel: 1}, []string{"parallel"}},
		{"parallel of too many", postgres.Config{URL: "postgres://h/d", Parallel: 33}, []string{"parallel"}},
		{"parallel of less than none", postgres.Config{URL: "postgres://h/d", Parallel: -2}, []string{"parallel"}},
		{"parallel in a container", postgres.Config{Container: "c", User: "u", Database: "d", Parallel: 2}, []string{"parallel"}},
		{"parallel and custom", postgres.Config{URL: "postgres://h/d", Format: "custom", Parallel: 2}, []string{"parallel"}},
		{"patterns", postgres.Config{URL: "postgres://h/d", Tables: []string{"a", `"b`}, ExcludeTables: []string{""}}, []string{"tables", "exclude_tables"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.config.Format = cmp.Or(test.config.Format, "plain")
			var attributes []string
			for _, problem := range test.config.Validate() {
				attributes = append(attributes, problem.Attribute)
				if strings.Contains(problem.Summary+problem.Detail, "secret-word") {
					t.Errorf("the password is in %q", problem.Detail)
				}
				if problem.Summary == "" || problem.Detail == "" {
					t.Errorf("%+v says too little", problem)
				}
			}
			if strings.Join(attributes, " ") != strings.Join(test.want, " ") {
				t.Errorf("problems with %v, want %v", attributes, test.want)
			}
		})
	}
}

func TestRestorerRefusesOtherTargets(t *testing.T) {
	for _, target := range []providers.Target{
		{Kind: providers.TargetDirectory, Location: "/somewhere"},
		{Kind: providers.TargetPostgres, Location: "postgres://u:secret-word@h"},
		{Kind: providers.TargetPostgres, Location: ""},
	} {
		if _, err := postgres.Provider().Restore(environment(), target); err == nil || strings.Contains(err.Error(), "secret-word") {
			t.Errorf("%+v gives %v", target, err)
		}
	}
}
