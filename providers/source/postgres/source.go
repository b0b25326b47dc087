package postgres

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/providers"
)

type source struct {
	config Config
	host   providers.Host
	parsed *pgx.ConnConfig
}

func (s *source) Format() providers.Format {
	return providers.Format{Extension: ".sql", Headers: [][]byte{[]byte("-- PostgreSQL database dump")}, Trailer: []byte("-- PostgreSQL database dump complete")}
}

func (s *source) Inspect(ctx context.Context) (providers.Inspection, error) {
	conn, err := pgx.ConnectConfig(ctx, s.parsed.Copy())
	if err != nil {
		return providers.Inspection{}, err
	}
	defer conn.Close(ctx)
	return providers.Inspection{}, nil
}

func (s *source) Read(ctx context.Context, run string, w io.Writer) (providers.Reading, error) {
	conf := s.parsed.Copy()
	conf.RuntimeParams["application_name"] = run
	conn, err := pgx.ConnectConfig(ctx, conf)
	if err != nil {
		return providers.Reading{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return providers.Reading{}, err
	}
	var snapshot string
	if err := tx.QueryRow(ctx, "select pg_export_snapshot()").Scan(&snapshot); err != nil {
		return providers.Reading{}, err
	}
	counts := map[string]int64{}
	var countErr error
	var group sync.WaitGroup
	if s.config.RowCounts {
		group.Go(func() { countErr = count(ctx, tx, counts) })
	}
	err = s.host.Run(ctx, providers.Command{
		Arguments: []string{"pg_dump", "--no-password", "--snapshot=" + snapshot},
		Environment: []string{"PGHOST=" + s.parsed.Host, "PGPORT=" + strconv.Itoa(int(s.parsed.Port)), "PGUSER=" + s.parsed.User,
			"PGDATABASE=" + s.parsed.Database, "PGPASSWORD=" + s.parsed.Password, "PGAPPNAME=" + run},
		Stdout: w,
	})
	group.Wait()
	if err == nil {
		err = countErr
	}
	return providers.Reading{RowCounts: counts}, err
}

func count(ctx context.Context, tx pgx.Tx, counts map[string]int64) error {
	rows, err := tx.Query(ctx, `select quote_ident(n.nspname)||'.'||quote_ident(c.relname) from pg_class c join pg_namespace n on n.oid=c.relnamespace where relkind in ('r','p') and nspname not like 'pg_%' and nspname<>'information_schema'`)
	if err != nil {
		return err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, name := range names {
		var n int64
		if err := tx.QueryRow(ctx, "select count(*) from "+name).Scan(&n); err != nil {
			return fmt.Errorf("counting %s: %w", name, err)
		}
		counts[name] = n
	}
	return nil
}
