package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// drillSpec drills a database with a query that a test chooses.
const drillSpec = `
variable "query" {
  default = "select count(*) = 500 from products"
}
source "postgres" "shop" {
  url = env("DATABASE_URL")
}
destination "local" "place" {
  path = "place"
}
backup "shop" {
  source = source.postgres.shop
  to     = [destination.local.place]
  every  = "24h"
}
drill "shop" {
  backup = backup.shop
  every  = "7d"
  into "postgres" {
    url = env("SERVER_URL")
  }
  assert {
    sql = var.query
  }
}
`

// sleeping is a query that is not answered in any test's time.
const sleeping = "query=select pg_sleep(3600) is not null"

// drillSite is a specification, a server and a backup that was taken.
type drillSite struct {
	t      *testing.T
	server *testenv.PostgresServer
	folder string
}

func newDrillSite(t *testing.T) *drillSite {
	t.Helper()
	testenv.Need(t, "pg_dump")
	testenv.Need(t, "psql")
	s := &drillSite{t, testenv.Postgres(t), t.TempDir()}
	s.server.CreateDatabase(t, "shop")
	if err := testenv.Seed(t.Context(), s.server.URL("shop"), 500); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.folder, "spec.hcl"), []byte(drillSpec), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(exitDone, "apply", "-auto-approve", "-exclude", "drill.shop")
	return s
}

// command is an imsctl in the site's folder.
func (s *drillSite) command(arguments ...string) *exec.Cmd {
	command := exec.Command("imsctl", arguments...)
	command.Dir = s.folder
	command.Env = append(os.Environ(), "DATABASE_URL="+s.server.URL("shop"), "SERVER_URL="+s.server.URL("postgres"), "NO_COLOR=1")
	return command
}

// run runs imsctl to its end and returns what it printed.
func (s *drillSite) run(want int, arguments ...string) string {
	s.t.Helper()
	output, err := s.command(arguments...).CombinedOutput()
	code := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		code = exit.ExitCode()
	}
	if code != want {
		s.t.Fatalf("imsctl %q: exit status %d, want %d\n%s", arguments, code, want, output)
	}
	return string(output)
}

// scratches are the scratch databases on the server.
func (s *drillSite) scratches() []string {
	return s.ask("select datname from pg_database where datname ~ '^imsctl_drill_' order by 1")
}

func (s *drillSite) ask(sql string) []string {
	s.t.Helper()
	connection, err := pgx.Connect(s.t.Context(), s.server.URL("postgres"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer connection.Close(context.WithoutCancel(s.t.Context()))
	rows, err := connection.Query(s.t.Context(), sql)
	if err != nil {
		s.t.Fatal(err)
	}
	answers, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		s.t.Fatal(err)
	}
	return answers
}

// sleep starts a drill and waits until it asks the query that is not answered.
func (s *drillSite) sleep(output *bytes.Buffer) *exec.Cmd {
	s.t.Helper()
	command := s.command("drill", "-var", sleeping)
	command.Stdout, command.Stderr = output, output
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	deadline := time.Now().Add(2 * time.Minute)
	for len(s.ask("select datname from pg_stat_activity where datname ~ '^imsctl_drill_' and query ~ 'pg_sleep'")) == 0 {
		if time.Now().After(deadline) {
			s.t.Fatalf("the drill does not get that far:\n%s", output)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return command
}

// TestInterruptedDrillLeavesNothing interrupts a drill while it compares.
func TestInterruptedDrillLeavesNothing(t *testing.T) {
	site := newDrillSite(t)
	var output bytes.Buffer
	drill := site.sleep(&output)
	if err := drill.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := drill.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitInterrupted {
		t.Errorf("got %v\n%s", err, &output)
	}
	if left := site.scratches(); len(left) > 0 {
		t.Errorf("left is %q", left)
	}
	if document := readState(t, site.folder); len(document.Drills) > 0 || len(document.Intents) > 0 {
		t.Errorf("recorded are %v, open %v", document.Drills, document.Intents)
	}
}

// TestKilledDrillIsCleanedUp kills a drill while it compares: the next plan says what it left, and removes it before it
// drills again.
func TestKilledDrillIsCleanedUp(t *testing.T) {
	site := newDrillSite(t)
	var output bytes.Buffer
	drill := site.sleep(&output)
	if err := drill.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = drill.Wait()
	left := site.scratches()
	if len(left) != 1 || !providers.IsScratchName(left[0]) {
		t.Fatalf("left is %q", left)
	}
	plan := site.run(exitDone, "plan")
	if !strings.Contains(plan, "% drill.shop/scratch/"+left[0]) || !strings.Contains(plan, "Plan: 1 to drill, 1 to sweep.") {
		t.Errorf("the plan is\n%s", plan)
	}
	// One of nobody's is told, and stays.
	stranger := providers.ScratchName("another", "run", "0123456789abcdef")
	site.server.CreateDatabase(t, stranger)
	result := site.run(exitDone, "apply", "-auto-approve")
	if !strings.Contains(result, "2 done") || !strings.Contains(strings.Join(strings.Fields(result), " "), "has scratch databases of another run: "+stranger) {
		t.Errorf("the apply said\n%s", result)
	}
	if left := site.scratches(); !slices.Equal(left, []string{stranger}) {
		t.Errorf("left is %q", left)
	}
	if plan := site.run(exitDone, "plan", "-detailed-exitcode"); !strings.Contains(plan, "No changes") {
		t.Errorf("the plan is\n%s", plan)
	}
}

// TestDrillKilledAtRandomMoments kills drills at random moments. Whatever is left on the server then is named by an open
// intent, and the next drill removes it.
func TestDrillKilledAtRandomMoments(t *testing.T) {
	site := newDrillSite(t)
	began := time.Now()
	site.run(exitDone, "drill")
	window := time.Since(began)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	count := 10
	if testing.Short() {
		count = 4
	}
	for i := range count {
		drill := site.command("drill")
		if err := drill.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(random.Int64N(int64(window))))
		_ = drill.Process.Kill()
		_ = drill.Wait()
		named := make(map[string]bool)
		for _, intent := range readState(t, site.folder).Intents {
			named[intent.Scratch] = true
		}
		for _, name := range site.scratches() {
			if !named[name] {
				t.Fatalf("kill %d: %s is left, and the state does not name it", i, name)
			}
		}
		if i%5 == 4 {
			site.run(exitDone, "drill")
			if left, open := site.scratches(), readState(t, site.folder).Intents; len(left) > 0 || len(open) > 0 {
				t.Fatalf("kill %d: left is %q, open are %v", i, left, fmt.Sprint(open))
			}
		}
	}
}
