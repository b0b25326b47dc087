package disk

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/df"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// check implements providers.Recalling.
type check struct {
	config Config
	host   providers.Runner
	clock  clock.Clock
	past   []providers.Measurement
}

// WithHistory lets the check foresee when the file system is full.
func (c *check) WithHistory(past []providers.Measurement) providers.Check {
	informed := *c
	informed.past = past
	return &informed
}

// Probe asks df, which POSIX has wherever there is a shell.
func (c *check) Probe(ctx context.Context) (providers.Finding, error) {
	space, err := c.df(ctx, "-Pk")
	if err != nil {
		return providers.Finding{}, err
	}
	inodes, err := c.df(ctx, "-Pi")
	if err != nil {
		return providers.Finding{}, err
	}
	finding := providers.Finding{Verdict: providers.Passed}
	finding.Figure("used_percent", space.Percent())
	finding.Figure("free_bytes", float64(space.Free*1024))
	finding.Figure("used_inodes_percent", inodes.Percent())
	finding.Figure(usedBytes, float64(space.Used*1024))
	finding.Figure(usedInodes, float64(inodes.Used))
	finding.Add(c.verdict(space.Percent()), fmt.Sprintf("%s is %.0f %% full, %s free", space.Mount, space.Percent(), units.Bytes(space.Free*1024)))
	if verdict := c.verdict(inodes.Percent()); verdict != providers.Passed {
		finding.Add(verdict, fmt.Sprintf("%.0f %% of its inodes are used", inodes.Percent()))
	}
	now := c.clock.Now()
	c.foreseeBytes(&finding, float64(space.Free*1024), now)
	if inodes.Used+inodes.Free > 0 {
		c.foreseeInodes(&finding, float64(inodes.Free), now)
	}
	return finding, nil
}

// The figures that a forecast is made from.
const (
	usedBytes  = "used_bytes"
	usedInodes = "used_inodes"
)

// longest is for how many days a forecast is worth being told.
const longest = 3650

// foreseeBytes adds when the bytes are used up, as far as that can be known.
func (c *check) foreseeBytes(finding *providers.Finding, free float64, now time.Time) {
	expected := c.foresee(usedBytes, finding.Figures[usedBytes], free, now)
	if expected.unknown != "" {
		if c.config.WarnDays > 0 || c.config.FailDays > 0 {
			finding.Add(providers.Passed, "when it is full is not known yet: "+expected.unknown)
		}
		return
	}
	finding.Figure("growth_bytes_per_day", expected.growth)
	if expected.days > longest {
		return
	}
	finding.Figure("days_until_full", expected.days)
	finding.Add(c.daysVerdict(expected.days), fmt.Sprintf("full in %s, with %s more a day", days(expected.days), units.Bytes(int64(expected.growth))))
}

// foreseeInodes adds when the inodes are used up, where that is soon.
func (c *check) foreseeInodes(finding *providers.Finding, free float64, now time.Time) {
	expected := c.foresee(usedInodes, finding.Figures[usedInodes], free, now)
	if expected.unknown != "" || expected.days > longest {
		return
	}
	finding.Figure("days_until_no_inodes", expected.days)
	if verdict := c.daysVerdict(expected.days); verdict != providers.Passed {
		finding.Add(verdict, "out of inodes in "+days(expected.days))
	}
}

// foresee looks at one figure of the past, and at what it is now.
func (c *check) foresee(figure string, used, free float64, now time.Time) forecast {
	return foresee(append(history(c.past, figure), point{at: now, used: used}), free, now)
}

// days prints a number of days: hours where they are few.
func days(n float64) string {
	return units.Age(time.Duration(math.Max(n, 0) * 24 * float64(time.Hour)))
}

// daysVerdict is that on how long there is room; 0 days are no limit.
func (c *check) daysVerdict(n float64) providers.Verdict {
	switch {
	case n < float64(c.config.FailDays):
		return providers.Failed
	case n < float64(c.config.WarnDays):
		return providers.Warned
	}
	return providers.Passed
}

func (c *check) verdict(percent float64) providers.Verdict {
	switch {
	case percent > float64(c.config.Fail):
		return providers.Failed
	case percent > float64(c.config.Warn):
		return providers.Warned
	}
	return providers.Passed
}

func (c *check) df(ctx context.Context, option string) (df.Usage, error) {
	var output bytes.Buffer
	err := c.host.Run(ctx, providers.Command{Arguments: df.Arguments(option, c.config.Path), Environment: []string{"LC_ALL=C"}, Stdout: &output})
	if err != nil {
		return df.Usage{}, fmt.Errorf("asking how full the file system of %s is: %w", c.config.Path, err)
	}
	found, err := df.Parse(output.String())
	if err != nil {
		return df.Usage{}, fmt.Errorf("asking how full the file system of %s is: %w", c.config.Path, err)
	}
	return found, nil
}
