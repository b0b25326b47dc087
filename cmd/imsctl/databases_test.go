package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

const databasesSpecification = `
variable "url" {
  type      = string
  sensitive = true
}
source "postgres" "all" {
  url      = var.url
  database = "*"
}
retention "two" {
  keep_last = 2
}
destination "local" "one" {
  path      = "one"
  retention = retention.two
}
backup "all" {
  source = source.postgres.all
  to     = [destination.local.one]
  every  = "24h"
}
`

// TestEveryDatabase takes an artifact of each database of a server: of one that is made later too, and none any more of one
// that has gone, whose copies stay.
func TestEveryDatabase(t *testing.T) {
	testenv.Need(t, "pg_dump")
	server := testenv.Postgres(t)
	server.CreateDatabase(t, "first")
	server.CreateDatabase(t, "Second")
	server.Exec(t, "first", "create table things as select n from generate_series(1, 10) n")
	w := newWorkFolder(t, map[string]string{"main.hcl": databasesSpecification})
	w.environment = []string{"IMS_VAR_url=" + server.URL("postgres")}
	says := func(want bool, exit int, part string, arguments ...string) {
		t.Helper()
		output := string(w.run(exit, arguments...))
		if strings.Contains(output, part) != want {
			t.Errorf("imsctl %s: %q in it: %t, want %t:\n%s", strings.Join(arguments, " "), part, !want, want, output)
		}
	}
	says(true, exitUntrue, "backup.all", "status")
	says(true, 0, "Plan: 3 to back up.", "plan", "-out", "saved.plan")
	says(true, 0, "Apply complete: 3 done", "apply", "saved.plan")
	says(true, 0, "No changes", "plan")
	says(true, 0, `backup.all["first"]`, "status")
	says(true, 0, "all.%53econd-", "list")

	// A database comes, and another goes.
	server.CreateDatabase(t, "later")
	server.Exec(t, "postgres", `drop database "Second"`)
	says(true, 0, "Plan: 1 to back up.", "plan")
	says(true, 0, `backup.all["later"]`, "apply", "-auto-approve", "-target", "backup.all")
	says(true, 0, "No changes", "plan")
	says(true, 0, `backup.all["Second"]`, "status")
	// Metrics do not ask the server, unless told to: that a database has gone is not known to them, and its copies stay.
	says(true, 0, `imsctl_backup_interval_seconds{backup="backup.all[\"Second\"]"} 86400`, "metrics")
	says(false, 0, `imsctl_backup_interval_seconds{backup="backup.all[\"Second\"]"}`, "metrics", "-refresh")
	says(true, 0, `imsctl_backup_copies{backup="backup.all[\"Second\"]",destination="destination.local.one"} 1`, "metrics", "-refresh")
	says(true, 0, "4 done", "verify")

	restored := server.URL("restored")
	w.run(0, "restore", "-to-postgres", restored, `backup.all["first"]`)
	server.Exec(t, "restored", "do $$ begin if (select count(*) from things) <> 10 then raise exception 'wrong'; end if; end $$")

	// A lost state is found again, that of the database which has gone too.
	if err := os.RemoveAll(filepath.Join(w.folder, ".imsctl")); err != nil {
		t.Fatal(err)
	}
	says(true, 0, `backup.all["Second"]`, "state", "rebuild", "-auto-approve")

	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	says(true, 1, "cannot connect", "plan")
	says(false, exitUntrue, "backup.all ", "status")
	says(true, 0, `imsctl_backup_interval_seconds{backup="backup.all[\"first\"]"} 86400`, "metrics", "-refresh")
}
