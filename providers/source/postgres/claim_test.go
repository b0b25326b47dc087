package postgres_test

import (
	"bytes"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// TestDumpedByOneAtATime reads a database while it is being read: the same of it is refused, with who has it, from a container
// too, and another part of it is not.
func TestDumpedByOneAtATime(t *testing.T) {
	server, url := database(t, "claimed", "create table things as select n from generate_series(1, 10) n; create table others as select 1 as n")
	tried := false
	during := writerFunc(func(p []byte) (int, error) {
		if tried {
			return len(p), nil
		}
		tried = true
		for name, source := range map[string]providers.Source{
			"directly": newSource(t, url, nil), "in a container": containedSource(t, newEngine(t, server), "claimed", nil),
		} {
			var output bytes.Buffer
			_, err := source.Read(t.Context(), "the-other", &output)
			wantError(t, err, "is being dumped by another imsctl (the-first, from ", "at work since 2")
			if output.Len() > 0 {
				t.Errorf("%s: something was read", name)
			}
		}
		text, _ := dump(t, newSource(t, url, func(c *postgres.Config) { c.Tables = []string{"others"} }))
		if len(copied(text)) != 1 {
			t.Errorf("another part was not read: %s", text)
		}
		return len(p), nil
	})
	if _, err := newSource(t, url, nil).Read(t.Context(), "the-first", during); err != nil || !tried {
		t.Fatal(err)
	}
	// It ends with the reading.
	dump(t, newSource(t, url, nil))
}
