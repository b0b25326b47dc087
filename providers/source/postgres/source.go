package postgres

import (
	"context"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// source implements providers.Source.
type source struct {
	config Config
	// One of the two is set.
	address   *address
	container *contained
}

// Format is that of the dump. The end marker of SQL text is not its last line; an archive has none, but pg_dump's exit status.
func (s *source) Format() providers.Format {
	if s.config.Format == formatCustom {
		return providers.Format{Extension: ".dump", Headers: [][]byte{[]byte(archiveHeader)}}
	}
	header := "-- PostgreSQL database dump"
	if s.config.Globals {
		header = "-- PostgreSQL database cluster dump"
	}
	return providers.Format{
		Extension: ".sql",
		Headers:   [][]byte{[]byte(header)},
		Trailer:   []byte("-- PostgreSQL database dump complete"),
	}
}

// begin finds the database and opens a session there.
func (s *source) begin(ctx context.Context, application string) (*dumping, error) {
	d := &dumping{config: s.config, place: s.address, run: application}
	if s.container != nil {
		container, err := s.container.attend(ctx)
		if err != nil {
			return nil, err
		}
		d.place, d.container = container, container
	}
	var err error
	d.session, err = d.place.open(ctx, application)
	return d, err
}

// Inspect connects, compares the versions, matches the patterns and asks for the size of the database.
func (s *source) Inspect(ctx context.Context) (providers.Inspection, error) {
	d, err := s.begin(ctx, "imsctl-inspect")
	if err != nil {
		return providers.Inspection{}, err
	}
	defer d.session.close(ctx)
	if err := d.programs(ctx); err != nil {
		return providers.Inspection{}, err
	}
	size, err := number(ctx, d.session, "select pg_database_size(current_database())")
	if err != nil {
		return providers.Inspection{}, fmt.Errorf("asking for the size of %s: %w", d.place, err)
	}
	if _, _, err := d.tables(ctx); err != nil {
		return providers.Inspection{}, err
	}
	return providers.Inspection{Bytes: size, Versions: d.versions}, nil
}

// Read dumps the database.
func (s *source) Read(ctx context.Context, run string, w io.Writer) (providers.Reading, error) {
	d, err := s.begin(ctx, run)
	if err != nil {
		return providers.Reading{}, err
	}
	reading, err := d.read(ctx, w)
	d.session.close(ctx)
	if err != nil {
		return providers.Reading{}, d.failure(ctx, err)
	}
	return d.complete(ctx, reading), nil
}
