package postgres

import (
	"errors"
	"io"
	"strings"
	"testing"
)

// TestDropsHead cuts what drops things out of a dump, however that arrives.
func TestDropsHead(t *testing.T) {
	const settings = "--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n\nSET lock_timeout = 0;\nSET row_security = off;\n"
	const drops = "\nDROP TABLE IF EXISTS public.things;\nDROP SCHEMA IF EXISTS shop;\n"
	for name, test := range map[string]struct {
		dump, want string
		err        error
	}{
		"drops":          {settings + drops + "--\n-- Name: shop; Type: SCHEMA; Schema: -; Owner: ims\n--\n\nCREATE SCHEMA shop;\nDROP nothing;\n", drops, nil},
		"nothing at all": {settings + "\n\n" + endMark, "", nil},
		"cut off":        {settings + drops, "", io.ErrUnexpectedEOF},
		"no settings":    {"--\n-- PostgreSQL database dump\n--\n", "", io.ErrUnexpectedEOF},
	} {
		for _, size := range []int{1, 7, len(test.dump)} {
			head := &dropsHead{}
			for rest := test.dump; rest != ""; rest = rest[min(size, len(rest)):] {
				if _, err := head.Write([]byte(rest[:min(size, len(rest))])); err != nil {
					t.Fatal(err)
				}
			}
			got, err := head.statements()
			_, statements, _ := strings.Cut(string(got), "'', false);\n")
			if !errors.Is(err, test.err) || strings.TrimSpace(statements) != strings.TrimSpace(test.want) {
				t.Errorf("%s, %d bytes at once: got %q, %v", name, size, got, err)
			}
			if strings.Contains(string(got), "CREATE") || strings.Contains(string(got), "restrict") {
				t.Errorf("%s: too much: %q", name, got)
			}
		}
	}
}
