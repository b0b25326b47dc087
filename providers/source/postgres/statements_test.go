package postgres

import (
	"strings"
	"testing"
)

func TestGlobalsText(t *testing.T) {
	statements, err := splitStatements([]byte(`--
-- PostgreSQL database cluster dump
--

\restrict abc

SET default_transaction_read_only = off;
SET client_encoding = 'UTF8';

CREATE ROLE clerk;
ALTER ROLE clerk WITH LOGIN;
COMMENT ON ROLE clerk IS 'two
-- lines; TABLESPACE';
GRANT clerk TO "a b" WITH ADMIN OPTION GRANTED BY postgres;
GRANT clerk TO other GRANTED BY "x TO y";
CREATE TABLESPACE fast OWNER clerk LOCATION '/x';
GRANT ALL ON TABLESPACE fast TO clerk;
COMMENT ON TABLESPACE fast IS 'two
lines';
SECURITY LABEL FOR some ON ROLE clerk IS 'x';
ALTER ROLE unknown WITH LOGIN;

\unrestrict abc
`))
	if err != nil {
		t.Fatal(err)
	}
	g := gatherGlobals(statements)
	if len(statements) != 12 || len(g.tablespaces) != 3 || len(g.others) != 2 || len(g.grants) != 2 || len(g.definitions["clerk"]) != 3 {
		t.Fatalf("%d statements: %+v", len(statements), g)
	}
	text := string(g.text())
	for _, part := range []string{"SET client_encoding = 'UTF8';", "IF to_regrole(E'clerk') IS NULL THEN\n    CREATE ROLE clerk;\n    ALTER ROLE clerk WITH LOGIN;\n    COMMENT",
		"IF made && ARRAY[E'clerk', E'\"a b\"'] THEN\n    GRANT clerk TO \"a b\" WITH ADMIN OPTION;\n", "GRANT clerk TO other;\n",
		"\n-- CREATE TABLESPACE fast", "'two\n-- lines';\n", "\n-- ALTER ROLE unknown"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in\n%s", part, text)
		}
	}
	if strings.Contains(text, "default_transaction_read_only") || strings.Contains(text, "restrict") {
		t.Errorf("what belongs to a session of its own is in\n%s", text)
	}
	if _, err := splitStatements([]byte("CREATE ROLE half")); err == nil {
		t.Error("a script that was cut is read as a whole one")
	}
}

// FuzzGlobals holds that whatever pg_dumpall writes, what is not understood stays a comment, and the result is whole.
func FuzzGlobals(f *testing.F) {
	for _, seed := range []string{"CREATE ROLE a;", "GRANT a TO b;", "GRANT", `GRANT "`, "COMMENT ON ROLE", "SET x;\nGRANT SET ON PARAMETER x TO y;", ";", "a;b;"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		statements, err := splitStatements([]byte(text))
		if err != nil {
			return
		}
		written := gatherGlobals(statements).text()
		if again, err := splitStatements(written); err != nil || len(again) == 0 {
			t.Errorf("%q gives %q, %v", text, written, err)
		}
	})
}
