package postgres

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestReadHead(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want head
	}{
		"nothing":                {"", head{}},
		"version":                {"--\n-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)\n", head{server: version{"15.18", 15}}},
		"a version that is none": {"-- Dumped from database version of old\n", head{}},
		"extensions, behind what clean drops": {"DROP TABLE IF EXISTS a;\nALTER TABLE IF EXISTS b DROP CONSTRAINT c;\nCREATE SCHEMA x;\nCREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;\n" +
			"COMMENT ON EXTENSION pg_trgm IS 'text';\nCREATE EXTENSION \"uuid-ossp\";\n", head{extensions: []string{"pg_trgm", "uuid-ossp"}}},
		"not in a comment, a text or a body": {"/*\nCREATE EXTENSION a;\n*/\nCOMMENT ON SCHEMA s IS 'x\nCREATE EXTENSION b;\n';\nDO $$\nCREATE EXTENSION c;\n$$;\n", head{}},
		"not behind the first table":         {"CREATE TABLE t ();\nCREATE EXTENSION a;\n", head{}},
		"not in data":                        {"COPY t FROM stdin;\nCREATE EXTENSION a;\n\\.\n", head{}},
		"not where the text is cut":          {"CREATE EXTENSION abc", head{}},
	} {
		if diff := cmp.Diff(c.want, readHead([]byte(c.text)), cmp.AllowUnexported(head{}, version{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

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
	f.Add("CREATE EXTENSION a;\nSET SESSION AUTHORIZATION 'x';\r\nREVOKE ALL ON a FROM \"b\"\"c\";")
	f.Fuzz(func(t *testing.T, text string) {
		readHead([]byte(text))
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
