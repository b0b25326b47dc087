package health

import (
	"context"

	"golang.org/x/sync/errgroup"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// Question is a check with its policy.
type Question struct {
	Address string
	Check   providers.Check
	Policy  Policy
}

// All asks several checks, so many at once, and calls ended for each of them in their order, as soon as it and all before it
// are known. The error is that of ctx: ended is then not called for all of them.
func All(ctx context.Context, clock clock.Clock, questions []Question, parallelism int, ended func(Question, Result)) error {
	results := make([]chan Result, len(questions))
	for i := range results {
		results[i] = make(chan Result, 1)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		asking, ctx := errgroup.WithContext(ctx)
		asking.SetLimit(parallelism)
		for i, question := range questions {
			asking.Go(func() error {
				result, err := Ask(ctx, clock, question.Check, question.Policy, nil)
				if err == nil {
					results[i] <- result
				}
				return err
			})
		}
		return asking.Wait()
	})
	group.Go(func() error {
		for i, question := range questions {
			select {
			case result := <-results[i]:
				ended(question, result)
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
	return group.Wait()
}
