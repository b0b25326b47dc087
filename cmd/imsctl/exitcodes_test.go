package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// exitSpecification has a backup with two copies, of which one is enough.
const exitSpecification = `
source "command" "notes" {
  command = ["cat", "notes.txt"]
}
destination "local" "one" {
  path = "one"
}
destination "local" "two" {
  path = "two"
}
backup "notes" {
  source = source.command.notes
  to     = [destination.local.one, destination.local.two]
  every  = "24h"
}
`

// checkedSpecification has checks, one of which fails.
const checkedSpecification = `
check "command" "well" {
  command = ["true"]
}
check "command" "ill" {
  command = ["false"]
  retries = 0
}
`

// drilledSpecification has a drill.
const drilledSpecification = `
source "files" "docs" {
  path = "docs"
}
destination "local" "one" {
  path = "one"
}
backup "docs" {
  source = source.files.docs
  to     = [destination.local.one]
  every  = "24h"
}
drill "docs" {
  backup = backup.docs
  every  = "7d"
  into "files" {}
}
`

// exitCase is a command line and the code that it ends with.
type exitCase struct {
	code    int
	command string
	// before changes the folder first.
	before func(w *workFolder)
}

// TestExitCodesAreDocumented runs commands in one folder after another, and holds the codes that they end with against the
// table in docs/commands.md: every code in it is shown here, and none besides. Interrupts have scenarios of their own.
func TestExitCodesAreDocumented(t *testing.T) {
	damage := func(w *workFolder) {
		if err := os.Truncate(w.find("two/notes/*.bin.gz"), 3); err != nil {
			t.Fatal(err)
		}
	}
	block := func(w *workFolder) {
		// A file where a folder should be.
		if err := os.RemoveAll(filepath.Join(w.folder, "two")); err != nil {
			t.Fatal(err)
		}
		w.write("two", "")
	}
	stray := func(w *workFolder) { w.write("one/notes/x.manifest.json", "{") }
	cases := []exitCase{
		{exitUntrue, "status", nil}, {exitError, "status nowhere", nil}, {exitDone, "plan", nil}, {exitChanges, "plan -detailed-exitcode", nil}, {exitError, "plan nowhere", nil},
		{exitError, "apply -auto-approve -parallelism=0", nil}, {exitDone, "apply -auto-approve", nil}, {exitDone, "plan -detailed-exitcode", nil},
		{exitDone, "status", nil}, {exitDone, "verify", nil}, {exitDone, "restore -to-file restored latest", nil}, {exitError, "restore latest", nil},
		{exitDone, "list", nil}, {exitError, "list nowhere", nil}, {exitDone, "validate", nil}, {exitError, "validate wrong.hcl", nil},
		{exitDone, "fmt -check main.hcl", nil}, {exitError, "fmt nowhere", nil}, {exitFormatSyntax, "fmt wrong.hcl", nil},
		{exitFormatDiffers, "fmt -check ugly.hcl", nil}, {exitDone, "console", nil}, {exitError, "console wrong.hcl", nil}, {exitDone, "version", nil},
		{exitDone, "analyze notes.txt source.command.notes", nil}, {exitError, "analyze notes.txt nowhere", nil},
		{exitDone, "check -path checked check.command.well", nil}, {exitDone, "status checked", nil}, {exitError, "check -path checked", nil},
		{exitDone, "metrics checked", nil}, {exitError, "metrics nowhere", nil}, {exitDone, "cleanup checked", nil}, {exitError, "cleanup nowhere", nil},
		{exitDone, "report checked", nil}, {exitError, "report nowhere", nil},
		{exitUntrue, "status checked", nil}, {exitError, "plan checked", nil},
		{exitDone, "apply -auto-approve -exclude drill.docs drilled", nil}, {exitDone, "drill drill.docs drilled", nil}, {exitError, "drill drill.none drilled", nil},
		{exitDone, "agent -once drilled", nil}, {exitError, "agent -fresh 1ns drilled", nil},
		{exitDone, "init -check=false new", nil}, {exitError, "init other", nil},
		{exitError, "verify", damage}, {exitUntrue, "status", nil}, {exitDone, "apply -auto-approve", nil},
		{exitDone, "state rebuild -auto-approve", nil}, {exitDegraded, "state rebuild -dry-run", stray},
		{exitError, "plan", block}, {exitDegraded, "apply -auto-approve", nil}, {exitError, "state rebuild -auto-approve", nil},
	}
	w := newWorkFolder(t, map[string]string{
		"main.hcl": strings.TrimPrefix(exitSpecification, "\n"), "notes.txt": "one\n", "checked/main.hcl": checkedSpecification, "drilled/main.hcl": drilledSpecification, "drilled/docs/a.txt": "a\n", "other/wrong.hcl": "source {", "other/ugly.hcl": "locals{\na=1\n}\n",
	})
	shown := make(map[string][]int)
	for _, c := range cases {
		if c.before != nil {
			c.before(w)
		}
		arguments := strings.Fields(c.command)
		for i, argument := range arguments {
			if argument == "wrong.hcl" || argument == "ugly.hcl" {
				arguments[i] = "other/" + argument
			}
		}
		w.run(c.code, arguments...)
		row := arguments[0]
		if row == "state" {
			row += " " + arguments[1]
		}
		if row == "list" || row == "version" {
			row = "all others"
		}
		if !slices.Contains(shown[row], c.code) {
			shown[row] = append(shown[row], c.code)
		}
	}
	for row, codes := range documentedExitCodes(t) {
		if row == "deploy" || row == "rollback" {
			// TestDeployStory shows them, which needs a host with containers.
			continue
		}
		slices.Sort(shown[row])
		if !slices.Equal(codes, shown[row]) {
			t.Errorf("%s: the table has %v, and %v are shown", row, codes, shown[row])
		}
		delete(shown, row)
	}
	for row := range shown {
		t.Errorf("%s is not in the table", row)
	}
}

// documentedExitCodes reads the table: the codes of each row, but for that of an interrupt.
func documentedExitCodes(t *testing.T) map[string][]int {
	t.Helper()
	_, text, _ := strings.Cut(readText(t, filepath.Join(repository, "docs", "commands.md")), "## Exit codes")
	text, _, _ = strings.Cut(text, "\n## ")
	table := make(map[string][]int)
	var titles []string
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		switch {
		case !strings.HasPrefix(line, "|") || strings.HasPrefix(cells[0], "---"):
		case titles == nil:
			titles = cells
		default:
			name := strings.Trim(strings.TrimSpace(cells[0]), "`")
			table[name] = nil
			for i, cell := range cells[1:] {
				code, err := strconv.Atoi(strings.TrimSpace(titles[i+1]))
				if err != nil {
					t.Fatal(err)
				}
				if strings.TrimSpace(cell) != "" && code != exitInterrupted {
					table[name] = append(table[name], code)
				}
			}
		}
	}
	if len(table) == 0 {
		t.Fatal("there is no table of exit codes")
	}
	return table
}
