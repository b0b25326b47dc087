package state_test

import (
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

// TestDocumentedFields compares the tables of the description of the formats with the structs that are stored. A table
// belongs to the struct that the comment before it names.
func TestDocumentedFields(t *testing.T) {
	data, err := os.ReadFile("../docs/formats.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := documentedFields(string(data))
	for name, test := range map[string]struct {
		value any
		// extra are the members that only the stored form has.
		extra []string
	}{
		"Document":      {state.Document{}, []string{"digest"}},
		"Artifact":      {state.Artifact{}, nil},
		"Encryption":    {state.Encryption{}, nil},
		"KeyCounts":     {state.KeyCounts{}, nil},
		"Needs":         {state.Needs{}, nil},
		"KeyCount":      {state.KeyCount{}, nil},
		"Container":     {state.Container{}, nil},
		"Survey":        {state.Survey{}, nil},
		"Sums":          {state.Sums{}, nil},
		"Replica":       {state.Replica{}, nil},
		"Drill":         {state.Drill{}, nil},
		"Release":       {state.Release{}, nil},
		"Transition":    {state.Transition{}, nil},
		"CheckResult":   {state.CheckResult{}, nil},
		"GateCheck":     {state.GateCheck{}, nil},
		"Intent":        {state.Intent{}, nil},
		"JournalHeader": {state.JournalHeader{}, nil},
		"JournalLine":   {struct{}{}, []string{"crc32c", "records"}},
		"Record":        {state.Record{}, nil},
		"Ending":        {state.Ending{}, nil},
		"Result":        {state.Result{}, nil},
		"Event":         {state.Event{}, nil},
		"ReplicaChange": {state.ReplicaChange{}, nil},
		"LockInfo":      {state.LockInfo{}, nil},
		"Manifest":      {state.Manifest{}, nil},
	} {
		want := append(jsonNames(reflect.TypeOf(test.value)), test.extra...)
		got := slices.Clone(documented[name])
		if len(got) != len(slices.Compact(slices.Sorted(slices.Values(got)))) {
			t.Errorf("%s: a field is described twice", name)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-stored +described):\n%s", name, diff)
		}
	}
}

// jsonNames are the names of a struct's members, those of embedded structs included.
func jsonNames(of reflect.Type) []string {
	var names []string
	for i := range of.NumField() {
		field := of.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous:
			names = append(names, jsonNames(field.Type)...)
		case options == "embed":
		default:
			names = append(names, name)
		}
	}
	return names
}

// documentedFields returns the first column of each marked table.
func documentedFields(text string) map[string][]string {
	marker := regexp.MustCompile(`^<!-- fields: (\w+) -->$`)
	row := regexp.MustCompile("^\\| `([a-z0-9_]+)` \\|")
	fields := make(map[string][]string)
	current := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case marker.MatchString(line):
			current = marker.FindStringSubmatch(line)[1]
		case strings.HasPrefix(line, "#"):
			current = ""
		case current != "" && row.MatchString(line):
			fields[current] = append(fields[current], row.FindStringSubmatch(line)[1])
		}
	}
	return fields
}
