package remote

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/castrolanda/imsctl/internal/endpoint"
)

// requests is how many requests for parts are made at once.
const requests = 8

// Each calls do for the numbers from 0 to count, several at once, and returns the first error.
func Each(ctx context.Context, count int, do func(ctx context.Context, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(requests)
	for i := range count {
		group.Go(func() error { return do(ctx, i) })
	}
	return group.Wait()
}

// Translate turns an error of a store of objects, as package endpoint knows them, into one of a Medium.
func Translate(err error) error {
	for from, to := range map[error]error{
		endpoint.ErrTemporary: ErrUnreachable, endpoint.ErrNotExist: ErrNotExist, endpoint.ErrExists: ErrExists,
	} {
		if errors.Is(err, from) {
			return fmt.Errorf("%w: %w", to, err)
		}
	}
	return err
}
