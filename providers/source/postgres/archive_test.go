package postgres_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// custom asks for an archive.
func custom(c *postgres.Config) { c.Format = "custom" }

func TestArchive(t *testing.T) {
	server, from := database(t, "archive", "")
	if err := testenv.Seed(t.Context(), from, 300); err != nil {
		t.Fatal(err)
	}
	source := newSource(t, from, custom)
	archive, reading := dump(t, source)
	if format := source.Format(); format.Extension != ".dump" || !strings.HasPrefix(archive, string(format.Headers[0])) || len(format.Trailer) > 0 {
		t.Errorf("got the format %+v, and %.10q", format, archive)
	}
	if reading.RowCounts["public.products"] != 300 || len(reading.RowCounts) != 4 {
		t.Errorf("got %v", reading.RowCounts)
	}
	if !strings.Contains(archive, "COPY x FROM stdin;") {
		t.Error("the archive is compressed by pg_dump: imsctl cannot see what is in it")
	}
	server.CreateDatabase(t, "archive_stock")
	command := exec.Command(testenv.Need(t, "pg_restore"), "--exit-on-error", "--dbname="+server.URL("archive_stock"))
	command.Stdin = strings.NewReader(archive)
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	same(t, from, server.URL("archive_stock"))
}
