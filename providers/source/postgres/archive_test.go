package postgres_test

import (
	"context"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

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

func TestArchiveRestores(t *testing.T) {
	server, from := database(t, "archived", "")
	if err := testenv.Seed(t.Context(), from, 5000); err != nil {
		t.Fatal(err)
	}
	archive, _ := dump(t, newSource(t, from, custom))
	restore(t, server.URL("archived_new"), archive)
	same(t, from, server.URL("archived_new"))

	server.CreateDatabase(t, "archived_broken")
	for name, broken := range map[string]io.Reader{
		"cut":            strings.NewReader(archive[:len(archive)*9/10]),
		"cut at once":    strings.NewReader(archive[:20]),
		"not readable":   io.MultiReader(strings.NewReader(archive[:len(archive)/2]), iotest.ErrReader(errors.New("a broken copy"))),
		"proven wrong":   io.MultiReader(strings.NewReader(archive), iotest.ErrReader(errors.New("a broken copy"))),
		"not an archive": strings.NewReader(archive[:5] + strings.Repeat("x", 1000)),
	} {
		t.Run(name, func(t *testing.T) {
			restorer := newRestorer(t, server.URL("archived_broken"))
			if err := restorer.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			_, err := restorer.Restore(t.Context(), broken)
			if err == nil || !strings.Contains(err.Error(), "as it was before") {
				t.Errorf("got %v", err)
			}
		})
	}
	restore(t, server.URL("archived_broken"), archive)
	same(t, from, server.URL("archived_broken"))
}

// TestArchiveGivenUp has psql fail while there is much to read, and restoring given up.
func TestArchiveGivenUp(t *testing.T) {
	server, from := database(t, "archive_given_up", "create table things as select n, md5(n::text) from generate_series(1, 100000) n")
	archive, _ := dump(t, newSource(t, from, custom))
	server.CreateDatabase(t, "archive_to")
	restorer := newRestorer(t, server.URL("archive_to"))
	if err := restorer.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Exec(t, "archive_to", "create table things (n int)")
	if _, err := restorer.Restore(t.Context(), strings.NewReader(archive)); err == nil || !strings.Contains(err.Error(), "already exists") {
		t.Errorf("got %v", err)
	}
	server.Exec(t, "archive_to", "drop table things")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_, err := restorer.Restore(ctx, io.MultiReader(strings.NewReader(archive[:len(archive)/2]), readerFunc(func([]byte) (int, error) {
		cancel()
		<-ctx.Done()
		return 0, ctx.Err()
	})))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// readerFunc is a function as a reader.
type readerFunc func([]byte) (int, error)

func (r readerFunc) Read(p []byte) (int, error) { return r(p) }
