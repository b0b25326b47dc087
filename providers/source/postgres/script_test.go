package postgres

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestScript(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	for _, test := range []struct{ name, dump, want, problem string }{
		{name: "empty"},
		{name: "statements", dump: "SELECT 1;\nSELECT 2;\n", want: "SELECT 1;\nSELECT 2;\n"},
		{name: "large objects", dump: "BEGIN;\nSELECT pg_catalog.lo_create('1');\nCOMMIT;\n", want: "\nSELECT pg_catalog.lo_create('1');\n\n"},
		{name: "words in a string", dump: "SELECT 'a\nCOMMIT;\n';\n", want: "SELECT 'a\nCOMMIT;\n';\n"},
		{name: "words in a dollar quotation", dump: "DO $x$\nBEGIN\nCOMMIT;\nEND $x$;\n", want: "DO $x$\nBEGIN\nCOMMIT;\nEND $x$;\n"},
		{name: "words in a comment", dump: "/* a /* b */\nCOMMIT;\n*/SELECT 1;\n", want: "/* a /* b */\nCOMMIT;\n*/SELECT 1;\n"},
		{name: "words in rows", dump: "COPY t (a) FROM stdin;\nCOMMIT;\n\\N\n\\.\nSELECT 1;\n", want: "COPY t (a) FROM stdin;\nCOMMIT;\n\\N\n\\.\nSELECT 1;\n"},
		{name: "long rows", dump: "COPY t (a) FROM stdin;\n" + long + "\n\\.\n", want: "COPY t (a) FROM stdin;\n" + long + "\n\\.\n"},
		{name: "long statements", dump: "SELECT '" + long + "';\n", want: "SELECT '" + long + "';\n"},
		{name: "escapes", dump: "SELECT E'\\'\nCOMMIT;\n';\n", want: "SELECT E'\\'\nCOMMIT;\n';\n"},
		{name: "body in standard SQL", dump: "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\nSELECT CASE WHEN true THEN 1 END;\nEND;\nSELECT 1;\n",
			want: "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC\nSELECT CASE WHEN true THEN 1 END;\nEND;\nSELECT 1;\n"},
		{name: "restrict", dump: "\\restrict abc\nSELECT 1;\n\\unrestrict abc\n", want: "\\restrict abc\nSELECT 1;\n\\unrestrict abc\n"},
		{name: "no line break at the end", dump: "SELECT 1;", want: "SELECT 1;"},
		{name: "commit", dump: "SELECT 1; COMMIT;\n", problem: "line 1: the dump has the command COMMIT"},
		{name: "rollback", dump: "SELECT 1;\nrollback\n;\n", want: "SELECT 1;\nrollback\n", problem: "line 3: the dump has the command ROLLBACK"},
		{name: "connect", dump: "SELECT 1;\n\\connect other\n", want: "SELECT 1;\n", problem: `line 2: the dump has psql's command`},
		{name: "command in a line", dump: "SELECT 1 \\g /tmp/file\n", problem: `line 1: the dump has psql's command`},
		{name: "cut in rows", dump: "COPY t (a) FROM stdin;\n1\n2", want: "COPY t (a) FROM stdin;\n1\n", problem: "line 3: the dump ends in the middle of a table"},
		{name: "cut in a string", dump: "SELECT 'a", want: "SELECT 'a", problem: "the dump ends in the middle of a statement"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, source := range []io.Reader{strings.NewReader(test.dump), iotest.OneByteReader(strings.NewReader(test.dump))} {
				got, err := io.ReadAll(newScript(source))
				if string(got) != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
				if (err != nil) != (test.problem != "") || err != nil && !strings.Contains(err.Error(), test.problem) {
					t.Errorf("got error %v, want %q", err, test.problem)
				}
			}
		})
	}
}

// FuzzScript checks that a dump is passed on as it is but for lines of BEGIN and COMMIT, whatever is in it.
func FuzzScript(f *testing.F) {
	f.Add("COPY t (a) FROM stdin;\nCOMMIT;\n\\.\nBEGIN;\nSELECT $a$;$a$;\n")
	f.Add("CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC END;/*/**/*/E'\\'';\n")
	f.Fuzz(func(t *testing.T, dump string) {
		got, err := io.ReadAll(newScript(strings.NewReader(dump)))
		if err == nil && strings.Count(string(got), "\n") != strings.Count(dump, "\n") {
			t.Errorf("%q became %q", dump, got)
		}
		if !strings.Contains(dump, "BEGIN") && !strings.Contains(dump, "COMMIT") && !strings.HasPrefix(dump, string(got)) {
			t.Errorf("%q became %q", dump, got)
		}
	})
}

func FuzzPattern(f *testing.F) {
	for _, text := range []string{`a.b`, `"a.b"."c""d"`, `*[]?$`, `x.y.z`, `"`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		found, err := parsePattern(text)
		if err == nil && found.table == "" {
			t.Errorf("%q has no table", text)
		}
	})
}

func FuzzVersion(f *testing.F) {
	f.Add("pg_dump (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)")
	f.Add("psql (PostgreSQL) 17beta1")
	f.Fuzz(func(t *testing.T, text string) {
		if major, err := parseVersion(text); err == nil && major.major < 0 {
			t.Errorf("%q is version %v", text, major)
		}
	})
}

func FuzzURL(f *testing.F) {
	f.Add("postgres://user:pass@host:5432/db?sslmode=disable")
	f.Add("postgresql:///db?host=/run/socket")
	f.Fuzz(func(t *testing.T, text string) {
		address, err := parseURL(text)
		if err == nil && address.conninfo() == "" {
			t.Errorf("%q has no conninfo", text)
		}
	})
}
