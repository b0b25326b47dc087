package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// everyDatabase is what stands for all databases of a server.
const everyDatabase = "*"

// maintenance is the database that every server has, through which the others are listed.
const maintenance = "postgres"

// cluster is all databases of a server. It implements providers.Group.
type cluster struct{ *source }

// Members lists the databases that can be connected to, but for templates.
func (c cluster) Members(ctx context.Context) ([]string, error) {
	d, err := c.begin(ctx, "imsctl-inspect")
	if err != nil {
		return nil, err
	}
	defer d.session.close(ctx)
	rows, err := d.session.rows(ctx, `select datname from pg_database where datallowconn and not datistemplate order by datname collate "C"`)
	if err != nil {
		return nil, fmt.Errorf("listing the databases: %w", err)
	}
	names := make([]string, len(rows))
	for i, row := range rows {
		names[i] = row[0]
	}
	return names, nil
}

// Member is the source of one database.
func (c cluster) Member(name string) providers.Source {
	member := *c.source
	if member.container != nil {
		container := *member.container
		container.database = name
		member.container = &container
	} else {
		address := *member.address
		address.config = address.config.Copy()
		address.config.Database = name
		member.address = &address
	}
	return &member
}

// Inspect lists the databases.
func (c cluster) Inspect(ctx context.Context) (providers.Inspection, error) {
	names, err := c.Members(ctx)
	if err == nil && len(names) == 0 {
		err = errors.New("the server has no database that can be connected to")
	}
	return providers.Inspection{}, err
}

// Read refuses: a dump is of one database.
func (c cluster) Read(context.Context, string, io.Writer) (providers.Reading, error) {
	return providers.Reading{}, errors.New("it stands for all databases of the server, and which those are was not looked at: make a plan that looks at what is there")
}
