package planner

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/castrolanda/imsctl/providers"
)

// lookAtAll looks at the destinations and at the deploys at the same time.
func (o *observation) lookAtAll(ctx context.Context, lookouts []*lookout, observed *Observed) {
	var deploys []string
	for _, declared := range o.specification.Deploys {
		deploys = append(deploys, declared.Address)
	}
	views := make([]*providers.DeployInspection, len(deploys))
	done := make(chan struct{})
	go func() {
		defer close(done)
		o.each(ctx, len(deploys), func(ctx context.Context, i int) { views[i] = o.inspectDeploy(ctx, deploys[i]) })
	}()
	o.look(ctx, lookouts)
	<-done
	for i, view := range views {
		if view != nil {
			observed.Deploys[deploys[i]] = view
		}
	}
}

// inspectDeploy looks at one deploy. What could not be seen has no secret of the specification in it.
func (o *observation) inspectDeploy(ctx context.Context, address string) *providers.DeployInspection {
	site := o.world.Site(address)
	if site == nil {
		return nil
	}
	limited, cancel := context.WithTimeoutCause(ctx, o.options.CallTimeout, errSlow)
	defer cancel()
	view := site.Inspect(limited)
	for _, err := range []*error{&view.Revisions.Err, &view.Revisions.RemoteErr, &view.Site.Err} {
		if *err != nil && ctx.Err() == nil && limited.Err() != nil {
			*err = fmt.Errorf("no answer within %s: %w", o.options.CallTimeout, *err)
		}
		*err = o.specification.RedactError(*err)
	}
	if way := view.Site.Remote; way != nil {
		way.Err = o.specification.RedactError(way.Err)
	}
	return &view
}

// Site is what is common to the strategies of a deploy block; nil where there is none.
func (w *World) Site(address string) providers.Site {
	deployers := w.Deployers[address]
	for _, name := range slices.Sorted(maps.Keys(deployers)) {
		return deployers[name]
	}
	return nil
}
