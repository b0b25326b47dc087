package main

import (
	"bytes"
	"testing"
)

// manySpecification has many names to be put in an order, and enough mistakes and references to mix up.
const manySpecification = `
locals {
  names = toset(["one", "two", "three", "four", "five", "six", "seven"])
}
source "command" "each" {
  for_each = local.names
  command  = ["echo", each.key]
}
destination "local" "place" {
  for_each = local.names
  path     = "places/${each.key}"
}
backup "each" {
  for_each = local.names
  source   = source.command.each[each.key]
  to       = [for name in local.names : destination.local.place[name]]
  every    = "24h"
}
`

// TestSameInputSameBytes runs commands several times: neither maps nor goroutines may show in what they print.
func TestSameInputSameBytes(t *testing.T) {
	w := newWorkFolder(t, map[string]string{
		"many/main.hcl": manySpecification,
		"wrong/main.hcl": manySpecification + `
locals {
  a = local.b
  b = local.c
  c = local.a
  d = local.nams
}
`,
	})
	w.environment = []string{"IMSCTL_TEST_NOW=2026-11-22T12:00:00Z"}
	for _, command := range []struct {
		code      int
		arguments []string
	}{
		{exitDone, []string{"plan", "many"}},
		{exitDone, []string{"plan", "-json", "many"}},
		{exitDone, []string{"plan", "-format=markdown", "many"}},
		{exitDone, []string{"plan", "-summary", "many"}},
		{exitDone, []string{"validate", "-json", "many"}},
		{exitError, []string{"validate", "-json", "wrong"}},
		{exitDone, []string{"graph", "many"}},
		{exitDone, []string{"graph", "-format=mermaid", "many"}},
		{exitUntrue, []string{"status", "-json", "many"}},
	} {
		first := w.run(command.code, command.arguments...)
		if len(first) == 0 {
			t.Errorf("%q prints nothing", command.arguments)
		}
		for range 4 {
			if again := w.run(command.code, command.arguments...); !bytes.Equal(again, first) {
				t.Fatalf("%q differs from run to run:\n%s\n%s", command.arguments, first, again)
			}
		}
	}
	first := w.run(exitDone, "plan", "-out=one.ims", "many")
	if again := w.run(exitDone, "plan", "-out=two.ims", "many"); len(first) == 0 || len(again) != len(first) {
		t.Errorf("two saved plans are announced differently:\n%s\n%s", first, again)
	}
	if !bytes.Equal(w.read("one.ims"), w.read("two.ims")) {
		t.Error("two saved plans of the same differ")
	}
}
