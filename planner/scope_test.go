package planner_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/spec"
)

// chained is a plan in which a prune waits for a repair, which waits for a backup of another instance.
func chained() *planner.Plan {
	return &planner.Plan{
		Actions: []planner.Action{
			&planner.Backup{Meta: planner.Meta{Address: `backup.a["x"]`, Backup: `backup.a["x"]`, Reason: "due"}},
			&planner.Repair{Meta: planner.Meta{Address: `backup.a["y"]@destination.local.far#1`, Backup: `backup.a["y"]`, After: []string{`backup.a["x"]`}}},
			&planner.Prune{Meta: planner.Meta{Address: "backup.b@destination.local.near#2", Backup: "backup.b", After: []string{`backup.a["y"]@destination.local.far#1`}}},
			&planner.Backup{Meta: planner.Meta{Address: "backup.c", Backup: "backup.c"}},
			&planner.Blocked{Meta: planner.Meta{Address: "check.disk.root"}},
		},
		Fingerprints: map[string]string{`backup.a["x"]`: "1", `backup.a["y"]`: "2", "backup.b": "3", "backup.c": "4"},
	}
}

func TestSelect(t *testing.T) {
	specification := &spec.Spec{
		Backups:      []*spec.Backup{{Address: `backup.a["x"]`}, {Address: `backup.a["y"]`}, {Address: "backup.b"}, {Address: "backup.c"}, {Address: "backup.idle"}},
		Destinations: []*spec.Destination{{Address: "destination.local.far"}, {Address: "destination.local.near"}},
	}
	x, y, b := `backup.a["x"]`, `backup.a["y"]@destination.local.far#1`, "backup.b@destination.local.near#2"
	for _, test := range []struct {
		name    string
		scope   planner.Scope
		want    []string
		problem string
	}{
		{name: "block", scope: planner.Scope{Targets: []string{"backup.a"}}, want: []string{x, y}},
		{name: "instance", scope: planner.Scope{Targets: []string{x}}, want: []string{x}},
		{name: "what it waits for", scope: planner.Scope{Targets: []string{"backup.b"}}, want: []string{x, y, b}},
		{name: "destination", scope: planner.Scope{Targets: []string{"destination.local.far"}}, want: []string{x, y}},
		{name: "action", scope: planner.Scope{Targets: []string{"check.disk.root"}}, want: []string{"check.disk.root"}},
		{name: "two", scope: planner.Scope{Targets: []string{x, "backup.c"}}, want: []string{x, "backup.c"}},
		{name: "nothing to do", scope: planner.Scope{Targets: []string{"backup.idle"}}},
		{name: "what waits for it", scope: planner.Scope{Exclude: []string{x}}, want: []string{"backup.c", "check.disk.root"}},
		{name: "exclude destination", scope: planner.Scope{Exclude: []string{"destination.local.near"}}, want: []string{x, y, "backup.c", "check.disk.root"}},
		{name: "unknown", scope: planner.Scope{Targets: []string{"backup.aa"}}, problem: "Did you mean backup.a?"},
		{name: "both", scope: planner.Scope{Targets: []string{x}, Exclude: []string{x}}, problem: "cannot be combined"},
	} {
		t.Run(test.name, func(t *testing.T) {
			plan, err := planner.Select(chained(), specification, test.scope)
			if test.problem != "" {
				if err == nil || !strings.Contains(err.Error(), test.problem) {
					t.Fatalf("got %v, want %q", err, test.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, action := range plan.Actions {
				got = append(got, action.Common().Address)
				if _, known := plan.Fingerprints[action.Common().Backup]; !known {
					t.Errorf("%s has no fingerprint", action.Common().Address)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if len(plan.Notes) != 1 {
				t.Errorf("the notes do not say that this is a part: %v", plan.Notes)
			}
		})
	}
}

func TestMarkdown(t *testing.T) {
	var output bytes.Buffer
	plan := chained()
	plan.Actions[0].Common().Reason = "a | b\n<img src=x> `code` **bold** [link](x) & more"
	if err := planner.WriteMarkdown(&output, plan, 60_000); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		planner.MarkdownMarker + "\n**Plan: ",
		"| `+` | backup.a\\[\"x\"\\] | a \\| b &lt;img src=x&gt; \\`code\\` \\*\\*bold\\*\\* \\[link\\]\\(x\\) &amp; more |\n",
		"<details><summary>Details</summary>",
	} {
		if !strings.Contains(output.String(), want) {
			t.Errorf("%q is not in\n%s", want, output.String())
		}
	}
}

// TestMarkdownBound checks the bound for all small sizes, with many actions and long reasons.
func TestMarkdownBound(t *testing.T) {
	plan := &planner.Plan{}
	for i := range 10_000 {
		plan.Actions = append(plan.Actions, &planner.Backup{Meta: planner.Meta{
			Address: fmt.Sprintf("backup.b%d", i), Backup: fmt.Sprintf("backup.b%d", i), Reason: strings.Repeat("long ", i%300),
		}})
	}
	for size := planner.MinMarkdown; size < 70_000; size += 1 + size/50 {
		var output bytes.Buffer
		if err := planner.WriteMarkdown(&output, plan, size); err != nil {
			t.Fatal(err)
		}
		if output.Len() > size {
			t.Fatalf("%d bytes, at most %d are allowed", output.Len(), size)
		}
		if !strings.Contains(output.String(), "more, which do not fit") {
			t.Fatalf("with %d bytes nothing says what is missing", size)
		}
	}
	if err := planner.WriteMarkdown(&bytes.Buffer{}, plan, planner.MinMarkdown-1); err == nil {
		t.Error("a bound that cannot be kept is accepted")
	}
}
