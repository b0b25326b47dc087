package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

type checkBlock struct {
	Timeout  units.Duration `hcl:"timeout,optional" doc:"One try may take this long; \"10s\" when left out."`
	Interval units.Duration `hcl:"interval,optional" doc:"The pause between two tries; \"5s\" when left out."`
	Retries  int64          `hcl:"retries,optional" doc:"How many more tries a failure has; 2 when left out."`
}

func (l *loader) check(b body) {
	common := checkBlock{Timeout: units.Duration(10 * time.Second), Interval: units.Duration(5 * time.Second), Retries: 2}
	config, at := l.provider(b, providers.KindCheck, &common)
	if config == nil {
		return
	}
	if common.Retries < 0 || common.Retries > maxCount {
		l.report(at.mistake("retries", "Invalid count", fmt.Sprintf("retries is %d; it must be 0 to %d.", common.Retries, maxCount)))
	}
	check := &Check{Config: config, NotBuilt: notBuilt(config), Timeout: time.Duration(common.Timeout), Interval: time.Duration(common.Interval), Retries: int(common.Retries)}
	check.Address, check.Type, check.Name, check.Range = b.identity()
	l.spec.Checks = append(l.spec.Checks, check)
}

type cleanupBlock struct {
	Assert []assertBlock `hcl:"assert,block" doc:"Conditions without which the specification is refused."`
}

func (l *loader) cleanup(b body) {
	var common cleanupBlock
	config, at := l.provider(b, providers.KindCleanup, &common)
	if config == nil || !l.assert(common.Assert, at) {
		return
	}
	cleanup := &Cleanup{Config: config, NotBuilt: notBuilt(config)}
	cleanup.Address, cleanup.Type, cleanup.Name, cleanup.Range = b.identity()
	l.spec.Cleanups = append(l.spec.Cleanups, cleanup)
}

type notifyBlock struct {
	On []string `hcl:"on" doc:"The events: failure, degraded, recovered, overdue, success, drill_failed, disk_warning, prune_refused."`
}

// events are what a notify block can name.
var events = []string{"failure", "degraded", "recovered", "overdue", "success", "drill_failed", "disk_warning", "prune_refused"}

func (l *loader) notify(b body) {
	var common notifyBlock
	config, at := l.provider(b, providers.KindNotify, &common)
	if config == nil {
		return
	}
	if len(common.On) == 0 {
		l.report(at.mistake("on", "No events", fmt.Sprintf("Name at least one of %s.", strings.Join(events, ", "))))
	}
	for i, event := range common.On {
		if !slices.Contains(events, event) {
			l.report(at.mistakeIn("on", i, "Unknown event", fmt.Sprintf("There is no event %q; there is %s.%s", event, strings.Join(events, ", "), suggest(event, events))))
		}
	}
	notify := &Notify{Config: config, On: common.On, NotBuilt: notBuilt(config)}
	notify.Address, notify.Type, notify.Name, notify.Range = b.identity()
	l.spec.Notifies = append(l.spec.Notifies, notify)
}
