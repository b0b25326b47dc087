package spec

import (
	"fmt"

	"github.com/castrolanda/imsctl/internal/units"
)

type retentionBlock struct {
	KeepWithin  units.Duration `hcl:"keep_within,optional" doc:"Keep what is not older than this."`
	KeepLast    int64          `hcl:"keep_last,optional" doc:"Keep this many of the newest, whatever their age."`
	KeepHourly  int64          `hcl:"keep_hourly,optional" doc:"Keep the newest of each of the last so many hours that have one."`
	KeepDaily   int64          `hcl:"keep_daily,optional" doc:"The same for days."`
	KeepWeekly  int64          `hcl:"keep_weekly,optional" doc:"The same for ISO weeks."`
	KeepMonthly int64          `hcl:"keep_monthly,optional" doc:"The same for months."`
	KeepYearly  int64          `hcl:"keep_yearly,optional" doc:"The same for years."`
	MaxDeletes  int64          `hcl:"max_deletes,optional" doc:"The most that one run deletes of one backup at one destination; no limit when left out."`
}

// maxCount is the most that a rule can count: more than anyone keeps, and few enough to be added up safely.
const maxCount = 1_000_000

func (l *loader) retention(b body) {
	var block retentionBlock
	at, ok := l.decode(b, &block)
	if !ok {
		return
	}
	rules := 0
	for _, rule := range []struct {
		name  string
		count int64
		keeps bool
	}{
		{"keep_last", block.KeepLast, true}, {"keep_hourly", block.KeepHourly, true}, {"keep_daily", block.KeepDaily, true},
		{"keep_weekly", block.KeepWeekly, true}, {"keep_monthly", block.KeepMonthly, true}, {"keep_yearly", block.KeepYearly, true},
		{"max_deletes", block.MaxDeletes, false},
	} {
		if !at.given(rule.name) {
			continue
		}
		if rule.keeps {
			rules++
		}
		if rule.count < 1 || rule.count > maxCount {
			l.report(at.mistake(rule.name, "Invalid count",
				fmt.Sprintf("%s is %d; it must be 1 to %d. Leave it out when it should not count.", rule.name, rule.count, maxCount)))
		}
	}
	if rules == 0 && !at.given("keep_within") {
		l.report(mistake(b.block.DefRange(), "Retention without a rule",
			"Say what is kept with keep_within, keep_last, keep_hourly, keep_daily, keep_weekly, keep_monthly or keep_yearly; without a retention everything is kept."))
	}
	l.spec.Retentions = append(l.spec.Retentions, &Retention{
		Address: b.address, Name: b.name(), KeepWithin: block.KeepWithin, KeepLast: int(block.KeepLast),
		KeepHourly: int(block.KeepHourly), KeepDaily: int(block.KeepDaily), KeepWeekly: int(block.KeepWeekly),
		KeepMonthly: int(block.KeepMonthly), KeepYearly: int(block.KeepYearly), MaxDeletes: int(block.MaxDeletes), Range: b.block.DefRange(),
	})
}
