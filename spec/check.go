package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// The severities of a check.
const (
	severityFail = "fail"
	severityWarn = "warn"
)

type checkBlock struct {
	Timeout  units.Duration `hcl:"timeout,optional" doc:"One try may take this long; \"10s\" when left out."`
	Interval units.Duration `hcl:"interval,optional" doc:"The pause between two tries; \"5s\" when left out."`
	Retries  int64          `hcl:"retries,optional" doc:"How many more tries a failure has; 2 when left out."`

	Successes   int64          `hcl:"successes,optional" doc:"How many tries in a row must pass; 1 when left out."`
	StartPeriod units.Duration `hcl:"start_period,optional" doc:"For so long from the first try on, failures are not counted; none when left out."`
	Severity    string         `hcl:"severity,optional" doc:"fail, or warn for what nothing should wait for; fail when left out."`
}

func (l *loader) check(b body) {
	common := checkBlock{Timeout: units.Duration(10 * time.Second), Interval: units.Duration(5 * time.Second), Retries: 2, Successes: 1, Severity: severityFail}
	config, at := l.provider(b, providers.KindCheck, &common)
	if config == nil {
		return
	}
	if common.Retries < 0 || common.Retries > maxCount {
		l.report(at.mistake("retries", "Invalid count", fmt.Sprintf("retries is %d; it must be 0 to %d.", common.Retries, maxCount)))
	}
	if common.Successes < 1 || common.Successes > maxCount {
		l.report(at.mistake("successes", "Invalid count", fmt.Sprintf("successes is %d; it must be 1 to %d.", common.Successes, maxCount)))
	}
	if common.Severity != severityFail && common.Severity != severityWarn {
		l.report(at.mistake("severity", "Unknown severity", fmt.Sprintf("A check can fail or warn, not %q.%s", common.Severity, suggest(common.Severity, []string{severityFail, severityWarn}))))
	}
	check := &Check{
		Config: config, NotBuilt: notBuilt(config), Timeout: common.Timeout.Std(), Interval: common.Interval.Std(), Retries: int(common.Retries),
		Successes: int(common.Successes), StartPeriod: common.StartPeriod.Std(), WarnOnly: common.Severity == severityWarn,
	}
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
