package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// TestServerStopsHalfWay stops the database server in the middle of a dump: the apply fails and says so, no artifact
// appears, the earlier one stays, and nothing is left at the destination.
func TestServerStopsHalfWay(t *testing.T) {
	server := testenv.Postgres(t)
	server.CreateDatabase(t, "stopped")
	server.Exec(t, "stopped", "create table small as select 1 as n")
	folder := t.TempDir()
	specification := `
source "postgres" "stopped" {
  url = env("DATABASE_URL")
}
retention "one" {
  keep_last = 1
}
destination "local" "one" {
  path      = "one"
  retention = retention.one
}
backup "stopped" {
  source = source.postgres.stopped
  to     = [destination.local.one]
  every  = "1ms"
}
`
	if err := os.WriteFile(filepath.Join(folder, "spec.hcl"), []byte(specification), 0o600); err != nil {
		t.Fatal(err)
	}
	apply := func() (*exec.Cmd, *bytes.Buffer) {
		command := exec.Command("imsctl", "apply", "-auto-approve", folder)
		command.Env = append(os.Environ(), "DATABASE_URL="+server.URL("stopped"))
		var output bytes.Buffer
		command.Stdout, command.Stderr = &output, &output
		return command, &output
	}
	if command, output := apply(); command.Run() != nil {
		t.Fatalf("the first apply: %s", output)
	}
	server.Exec(t, "stopped", "create table large as select n, md5(n::text) as text from generate_series(1, 2000000) n")
	command, output := apply()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	waitForDump(t, server.URL("stopped"))
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err == nil || command.ProcessState.ExitCode() != exitError {
		t.Fatalf("exit %d: %s", command.ProcessState.ExitCode(), output)
	}
	if text := output.String(); !strings.Contains(text, "Apply failed") || !strings.Contains(text, "pg_dump") {
		t.Errorf("the apply does not say what happened:\n%s", text)
	}
	document := readState(t, folder)
	if len(document.Artifacts) != 1 || len(document.Artifacts[0].VerifiedAt()) != 1 {
		t.Errorf("artifacts: %+v", document.Artifacts)
	}
	entries, err := os.ReadDir(filepath.Join(folder, "one", "stopped"))
	if err != nil || len(entries) != 2 {
		t.Errorf("at the destination: %v, %v", entries, err)
	}
}

// waitForDump returns when a session of imsctl copies the large table.
func waitForDump(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	connection, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close(context.WithoutCancel(ctx))
	for {
		var copying int
		err := connection.QueryRow(ctx, "select count(*) from pg_stat_activity where application_name like 'imsctl-%' and query like 'COPY public.large%'").Scan(&copying)
		if err != nil {
			t.Fatal(err)
		}
		if copying > 0 {
			return
		}
	}
}
