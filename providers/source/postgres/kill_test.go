package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// restoreTarget is the variable that makes this test's program restore its standard input to the URL that it holds.
const restoreTarget = "IMSCTL_TEST_RESTORE"

func restoreChild(target string) int {
	restorer, err := postgres.Provider().Restore(environment(), providers.Target{Kind: providers.TargetPostgres, Location: target})
	if err == nil {
		err = restorer.Prepare(context.Background())
	}
	if err == nil {
		_, err = restorer.Restore(context.Background(), os.Stdin)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// TestKilledRestoreLeavesNothing kills a restore with rows already on the server, and restores again.
func TestKilledRestoreLeavesNothing(t *testing.T) {
	server, from := database(t, "killed_from", "")
	if err := testenv.Seed(t.Context(), from, 20_000); err != nil {
		t.Fatal(err)
	}
	text, _ := dump(t, newSource(t, from, nil))
	server.CreateDatabase(t, "killed_empty")
	for _, name := range []string{"killed_empty", "killed_new"} {
		t.Run(name, func(t *testing.T) {
			to := server.URL(name)
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), restoreTarget+"="+to)
			var complaints bytes.Buffer
			child.Stderr = &complaints
			input, err := child.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := child.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.WriteString(input, text[:len(text)*3/4]); err != nil {
				t.Fatalf("%v: %s", err, complaints.String())
			}
			const sessions = "select count(*)::text from pg_stat_activity where application_name like 'imsctl-restore-%' and datname = $1"
			eventually(t, "rows in the transaction", func() bool {
				return ask(t, server.URL("postgres"), sessions+" and backend_xid is not null", name) == "1"
			})
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := child.Wait(); !errors.As(err, &exit) {
				t.Fatal(err)
			}
			eventually(t, "the end of the killed restore's session", func() bool {
				return ask(t, server.URL("postgres"), sessions, name) == "0"
			})
			const relations = "select count(*)::text from pg_class where relnamespace >= 16384 or relnamespace = 'public'::regnamespace"
			if left := ask(t, to, relations); left != "0" {
				t.Errorf("the killed restore left %s relations", left)
			}
			restore(t, to, text)
			same(t, from, to)
		})
	}
}

// TestFailedRestoreLeavesNothing restores dumps with a mistake near their end, and one that ends early.
func TestFailedRestoreLeavesNothing(t *testing.T) {
	server, from := database(t, "failed_from", "create table things as select n from generate_series(1, 1000) n")
	text, _ := dump(t, newSource(t, from, nil))
	server.CreateDatabase(t, "failed_empty")
	for _, test := range []struct{ name, dump, want string }{
		{"statement", text + "\nselect * from missing;\n", `relation "missing" does not exist`},
		{"inside a table", text[:strings.Index(text, "\n500\n")+5], "ends in the middle of a table"},
		{"inside a statement", "create table half (\n", "ends in the middle of a statement"},
		{"commit", text + "\ncommit;\nselect 1;\n", "a restore is one transaction"},
		{"shell", text + "\n\\! touch /tmp/never\n", "psql's command"},
	} {
		for _, name := range []string{"failed_empty", "failed_new"} {
			t.Run(test.name+" "+name, func(t *testing.T) {
				restorer := newRestorer(t, server.URL(name))
				if err := restorer.Prepare(t.Context()); err != nil {
					t.Fatal(err)
				}
				_, err := restorer.Restore(t.Context(), strings.NewReader(test.dump))
				if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "as it was before") {
					t.Errorf("got %v, want %q", err, test.want)
				}
				if name == "failed_new" && exists(t, name) {
					t.Error("the database that was made for the restore is still there")
				}
			})
		}
	}
}
