package postgres

import (
	"context"
	"fmt"
)

// Query implements providers.Querier, in a session that is ended afterwards.
func (s *source) Query(ctx context.Context, sql string) ([][]string, error) {
	d, err := s.begin(ctx, "imsctl-query")
	if err != nil {
		return nil, err
	}
	defer d.session.close(ctx)
	err = d.session.exec(ctx, "set default_transaction_read_only = on")
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", d.place, err)
	}
	rows, err := d.session.rows(ctx, sql)
	if err != nil {
		return nil, fmt.Errorf("asking %s: %w", d.place, err)
	}
	return rows, nil
}
