package postgres

import (
	"strings"
	"testing"
)

func TestDivide(t *testing.T) {
	const huge = 1 << 24
	for _, test := range []struct {
		pages  int64
		heap   bool
		server int
		want   int
	}{
		{0, true, 15, 1}, {1, true, 15, 1}, {2*portionPages - 1, true, 15, 1}, {2 * portionPages, true, 15, 2}, {2*portionPages + 1, true, 15, 2},
		{10 * portionPages, true, 14, 10}, {huge, true, 15, huge / portionPages}, {huge, true, 13, 1}, {huge, false, 15, 1},
	} {
		table := &copiedTable{quoted: "s.t", columns: "a, b", pages: test.pages, heap: test.heap}
		portions := divide([]*copiedTable{table}, version{major: test.server})
		if len(portions) != test.want {
			t.Errorf("%+v gives %d portions", test, len(portions))
		}
		// Each begins where the one before it ends; the first has no page before it and the last no end.
		var at int64
		for i, p := range portions {
			if p.from != at || (p.to == 0) != (i == len(portions)-1) {
				t.Fatalf("%+v: portion %d is %d to %d", test, i, p.from, p.to)
			}
			at = p.to
		}
	}
	whole := portion{table: &copiedTable{quoted: "s.t", columns: "a, b"}}
	if got := whole.query(); got != "copy s.t (a, b) to stdout" {
		t.Errorf("got %s", got)
	}
	whole.from, whole.to = 1, 2
	if got := whole.query(); got != "copy (select a, b from only s.t where ctid >= '(1,0)'::pg_catalog.tid and ctid < '(2,0)'::pg_catalog.tid) to stdout" {
		t.Errorf("got %s", got)
	}
}

func TestNameable(t *testing.T) {
	tables := make([]*copiedTable, 3000)
	for i := range tables {
		tables[i] = &copiedTable{relation: relation{schema: "public", name: strings.Repeat("'", 63)}}
	}
	most := nameable(tables)
	length := 0
	for _, table := range tables[:most] {
		length += len(" '" + strings.ReplaceAll(excluding(table.relation), "'", `'\''`) + "'")
	}
	if most == 0 || length > excludedBytes || nameable(tables[:most]) != most {
		t.Errorf("%d tables in %d bytes", most, length)
	}
	if excluding(relation{schema: `a"b`, name: "c.*"}) != `--exclude-table-data="a""b"."c.*"` {
		t.Errorf("got %s", excluding(relation{schema: `a"b`, name: "c.*"}))
	}
}

func TestSectionWithoutItsEnd(t *testing.T) {
	var out strings.Builder
	s := newSection(t.Context(), "data", &stream{w: &out})
	close(s.turn)
	if _, err := s.Write([]byte("-- something\n")); err != nil {
		t.Fatal(err)
	}
	if err := s.end(); err == nil || !strings.Contains(err.Error(), "section data") {
		t.Errorf("got %v", err)
	}
}

func TestSectionInPieces(t *testing.T) {
	var out strings.Builder
	s := newSection(t.Context(), "pre-data", &stream{w: &out})
	close(s.turn)
	body := strings.Repeat("select 1;\n", 1000)
	for _, piece := range strings.SplitAfter(body+endMark+"\n\\unrestrict abc\n\n", "") {
		if _, err := s.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.end(); err != nil || out.String() != body || string(s.below) != "\n\\unrestrict abc\n\n" {
		t.Errorf("%v: %d bytes, below %q", err, out.Len(), s.below)
	}
}
