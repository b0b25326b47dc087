package postgres

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

const rolesDump = `--
-- PostgreSQL database cluster dump
--
SET client_encoding = 'UTF8';
DO $globals$
BEGIN
  CREATE ROLE x;
-- PostgreSQL database cluster dump complete
END
$globals$;
--
-- PostgreSQL database cluster dump complete
--
CREATE TABLE a (t text);
ALTER TABLE public.a OWNER TO here;
ALTER TABLE public.a OWNER TO gone;
COPY public.a (t) FROM stdin;
ALTER TABLE public.a OWNER TO gone;
\.
COMMENT ON TABLE a IS 'x
ALTER TABLE public.a OWNER TO gone;
';
GRANT SELECT ON TABLE a TO gone WITH GRANT OPTION GRANTED BY here;
`

// rolesKept is rolesDump on a server that has the role "here" alone: line for line.
const rolesKept = "--\n\n\n\n\n\n\n\n\n\n\n\n--\n" + `CREATE TABLE a (t text);
ALTER TABLE public.a OWNER TO here;

COPY public.a (t) FROM stdin;
ALTER TABLE public.a OWNER TO gone;
\.
COMMENT ON TABLE a IS 'x
ALTER TABLE public.a OWNER TO gone;
';

`

func TestOwnerless(t *testing.T) {
	for name, reader := range map[string]io.Reader{
		"whole": strings.NewReader(rolesDump), "in bytes": iotest.OneByteReader(strings.NewReader(rolesDump)),
		"with its end": iotest.DataErrReader(strings.NewReader(rolesDump)),
	} {
		filter := newOwnerless(reader, map[string]bool{"here": true})
		got, err := io.ReadAll(filter)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(rolesKept, string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff([]string{"gone"}, filter.absent()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	broken := newOwnerless(io.MultiReader(strings.NewReader("select 1;\n"), iotest.ErrReader(io.ErrClosedPipe)), nil)
	if got, err := io.ReadAll(broken); string(got) != "select 1;\n" || err != io.ErrClosedPipe {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestOwnerlessLongLines passes lines on that are longer than any buffer.
func TestOwnerlessLongLines(t *testing.T) {
	long := strings.Repeat("x", 300<<10)
	text := "COPY a FROM stdin;\n" + long + "\n\\.\ninsert into a values ('" + long + "');\n"
	got, err := io.ReadAll(newOwnerless(strings.NewReader(text), nil))
	if err != nil || string(got) != text {
		t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
	}
}

// FuzzOwnerless changes nothing but whole lines, whatever a dump says, and keeps every line break.
func FuzzOwnerless(f *testing.F) {
	f.Add(rolesDump)
	f.Add("SET SESSION AUTHORIZATION 'x';\r\nREVOKE ALL ON a FROM \"b\"\"c\";")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := io.ReadAll(newOwnerless(strings.NewReader(text), nil))
		if err != nil {
			t.Fatal(err)
		}
		before, after := bytes.SplitAfter([]byte(text), []byte("\n")), bytes.SplitAfter(got, []byte("\n"))
		// A last line without a break becomes an empty one with it.
		if len(after) != len(before) && len(after) != len(before)+1 {
			t.Fatalf("%d lines became %d", len(before), len(after))
		}
		for i := range before {
			if !bytes.Equal(before[i], after[i]) && string(after[i]) != "\n" {
				t.Fatalf("line %d: %q became %q", i, before[i], after[i])
			}
		}
	})
}
