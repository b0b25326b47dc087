package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/executor/notice"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// herald tells those whom the specification names of a run. Nothing that goes wrong with that changes what becomes of the run.
type herald struct {
	cli       *cli
	project   *project
	host      string
	listeners []listener
	// started has what came of telling that the run begins, once that is over.
	started chan []notice.Delivery
}

// listener is a notify block with what delivers its notices, or why nothing does.
type listener struct {
	*spec.Notify
	notifier providers.Notifier
	err      error
}

// listeners makes what delivers the notices of each notify block.
func (p *project) listeners() []listener {
	environment := p.environment
	environment.Hosts = p.world.Resolver(environment.Hosts)
	var made []listener
	for _, declared := range p.spec.Notifies {
		one := listener{Notify: declared}
		if config, ok := declared.Config.(providers.NotifyConfig); ok {
			one.notifier, one.err = config.Notifier(environment)
		} else {
			one.err = fmt.Errorf("notify %q cannot be used: %s", declared.Type, declared.NotBuilt)
		}
		made = append(made, one)
	}
	return made
}

// newHerald tells those who want to hear it that a run begins. The run does not wait for that.
func (c *cli) newHerald(ctx context.Context, project *project) *herald {
	if len(project.spec.Notifies) == 0 {
		return nil
	}
	_, host := whoami()
	h := &herald{
		cli: c, project: project, host: host, listeners: project.listeners(),
		started: make(chan []notice.Delivery, 1),
	}
	begins := notice.Start(project.operation, host, c.clock.Now())
	var deliveries []notice.Delivery
	for _, one := range h.listeners {
		// Who is not told how the run ended must not wait for that.
		starting, ok := one.notifier.(providers.Starting)
		if ok && starting.HearsStarts() && one.hears(providers.EventSuccess) {
			deliveries = append(deliveries, notice.Delivery{Address: one.Address, Notifier: one.notifier, Notice: begins})
		}
	}
	go func() {
		notice.Deliver(ctx, deliveries)
		h.started <- deliveries
	}()
	return h
}

// hears reports whether a notify block asks for an event.
func (l *listener) hears(event providers.Event) bool { return slices.Contains(l.On, string(event)) }

// tell delivers what there is to tell of the run, all at once, and says what could not be delivered.
func (h *herald) tell(ctx context.Context, run *notice.Run) {
	if h == nil {
		return
	}
	// Who hears of the beginning hears of it first.
	deliveries := <-h.started
	h.warn(deliveries)
	deliveries = nil
	notices := run.Of()
	for _, one := range h.listeners {
		if one.err != nil {
			h.cli.warnOf(one.Address, one.err)
			continue
		}
		for _, told := range notices {
			if one.hears(told.Event) {
				deliveries = append(deliveries, notice.Delivery{Address: one.Address, Notifier: one.notifier, Notice: told})
			}
		}
	}
	// A run that was interrupted is told of too.
	notice.Deliver(context.WithoutCancel(ctx), deliveries)
	h.warn(deliveries)
}

// warn says what could not be delivered.
func (h *herald) warn(deliveries []notice.Delivery) {
	for _, delivery := range deliveries {
		if delivery.Err != nil {
			h.cli.warnOf(delivery.Address, fmt.Errorf("%q was not delivered there: %w", delivery.Notice.Event, delivery.Err))
		}
	}
}

// warnOf warns people and programs of what is wrong with one address, and is not what the command is about.
func (c *cli) warnOf(address string, err error) {
	if c.loaded != nil {
		err = c.loaded.RedactError(err)
	}
	for _, stream := range c.streams {
		stream.diagnostic(validationMessage{Severity: severityWarning, Summary: address + ": " + err.Error()})
	}
	c.problem("Warning", address, err)
}
