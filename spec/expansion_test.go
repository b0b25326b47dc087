package spec_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/spec"
)

const manifold = `
imsctl {
  state "local" {}
}
locals {
  # for_each of a local value that is made from another block's instances, declared below.
  sources = { for key, tree in source.files.trees : upper(key) => tree }
}
variable "trees" {
  type = map(object({ path = string, every = optional(string, "24h") }))
  default = {
    docs  = { path = "/docs" }
    media = { path = "/media", every = "7d" }
  }
}
source "files" "trees" {
  for_each = var.trees
  path     = each.value.path
}
destination "local" "disks" {
  for_each = toset(["near", "far"])
  path     = "/mnt/${each.key}"
}
backup "each" {
  for_each = local.sources
  source   = each.value
  to       = [destination.local.disks]
  every    = var.trees[lower(each.key)].every
}
backup "one" {
  source     = source.files.trees["media"]
  to         = [destination.local.disks["far"], destination.local.disks["near"]]
  every      = "24h"
  depends_on = [backup.each]
}
source "postgres" "db" {
  url = "postgres://localhost/db"
}
backup "two" {
  source = source.postgres.db
  to     = [destination.local.disks]
  every  = "24h"
}
drill "one" {
  backup = backup.two
  every  = "7d"
  into "postgres" {
    url = "postgres://localhost"
  }
  assert {
    sql = "first"
  }
  dynamic "assert" {
    for_each = ["a", "b"]
    iterator = name
    content {
      sql = "${name.key} ${name.value}"
    }
  }
}
check "http" "services" {
  for_each = { django = 8000, flower = 5555 }
  url      = "http://host:${each.value}"
}
deploy "ims" {
  path = "/srv"
  after {
    checks = [check.http.services]
  }
}
`

func TestInstances(t *testing.T) {
	loaded := valued(t, manifold, nil)
	var got []string
	for _, backup := range loaded.Backups {
		got = append(got, fmt.Sprintf("%s %s %s %s %s", backup.Address, backup.Name, backup.Source, backup.Schedule, strings.Join(backup.To, " ")))
	}
	both := `destination.local.disks["far"] destination.local.disks["near"]`
	want := []string{
		`backup.each["DOCS"] each.%44%4f%43%53 source.files.trees["docs"] every 24h ` + both,
		`backup.each["MEDIA"] each.%4d%45%44%49%41 source.files.trees["media"] every 7d ` + both,
		`backup.one one source.files.trees["media"] every 24h ` + both,
		`backup.two two source.postgres.db every 24h ` + both,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`backup.each["DOCS"]`, `backup.each["MEDIA"]`}, loaded.Backups[2].DependsOn); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"first", "0 a", "1 b"}, loaded.Drills[0].Assertions); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{`check.http.services["django"]`, `check.http.services["flower"]`}, loaded.Deploys[0].ChecksAfter); diff != "" {
		t.Error(diff)
	}
	if references := loaded.References["deploy.ims"]; len(references) != 2 {
		t.Errorf("the deploy refers to %v", references)
	}
}

// TestNoInstances checks that a for_each may be empty.
func TestNoInstances(t *testing.T) {
	loaded := valued(t, strings.Replace(manifold, "for_each = local.sources", "for_each = {}", 1), nil)
	if len(loaded.Backups) != 2 {
		t.Errorf("got %d backups", len(loaded.Backups))
	}
}

// TestDigestCoversFiles checks that a specification counts as changed when a file does that it reads.
func TestDigestCoversFiles(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "base.hcl", []byte(valid+"backup \"b\" {\n  source = source.command.s\n  to = [destination.local.one]\n  every = trimspace(file(\"every\"))\n}\n"))
	digests := make(map[string]bool)
	for _, every := range []string{"24h", "7d"} {
		write(t, "every", []byte(every))
		loaded, diagnostics := spec.Load(".", options(t))
		if diagnostics.HasErrors() {
			t.Fatal(diagnostics.List)
		}
		digests[loaded.Digest] = true
	}
	if len(digests) != 2 {
		t.Error("the digest is the same for two texts of the file")
	}
}

// TestSameMistakesSameBytes loads a specification with circles and near names many times: what is said never varies.
func TestSameMistakesSameBytes(t *testing.T) {
	text := valid + "locals {\n  a = local.b\n  b = local.c\n  c = local.a\n  x = local.aa\n}\n" +
		"backup \"b1\" {\n  source = source.command.t\n  to = [destination.local.tow]\n  evry = \"1h\"\n  evey = 1\n}\nbackup \"b2\" {\n  for_each = [1]\n}\n"
	first := ""
	for range 50 {
		_, diagnostics := loadText(t, text, nil)
		var said []string
		for _, found := range diagnostics.List {
			said = append(said, fmt.Sprintf("%d %s %s", found.Subject.Start.Line, found.Summary, strings.ReplaceAll(found.Detail, found.Subject.Filename, "FILE")))
		}
		if text := strings.Join(said, "\n"); first == "" {
			first = text
		} else if text != first {
			t.Fatalf("once:\n%s\nthen:\n%s", first, text)
		}
	}
}
