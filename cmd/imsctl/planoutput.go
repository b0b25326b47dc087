package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
)

// defaultMarkdown keeps a plan in Markdown below what code forges accept as a comment, in bytes.
const defaultMarkdown = 60_000

// check refuses flags that contradict each other.
func (a *planArguments) check() error {
	if a.json {
		a.format = "json"
	}
	if err := a.planFlags.check(); err != nil {
		return err
	}
	switch {
	case a.format != "text" && a.format != "json" && a.format != "markdown":
		return fmt.Errorf("-format=%s: it is text, json or markdown", a.format)
	case a.at != "" && a.out != "":
		return errors.New("-at and -out cannot be combined: a plan of another time must not be applied now")
	case a.at != "" && a.refreshOnly:
		return errors.New("-at and -refresh-only cannot be combined: what is there can only be seen now")
	case a.summary && a.format != "text":
		return errors.New("-summary belongs to -format=text")
	}
	return nil
}

// planTime is the moment that a plan is made for.
func (c *cli) planTime(text string, location *time.Location) (time.Time, error) {
	now := c.clock.Now()
	if text == "" {
		return now, nil
	}
	if text[0] == '+' {
		var later units.Duration
		if err := later.UnmarshalText([]byte(text[1:])); err != nil {
			return now, fmt.Errorf("-at %s: %w", text, err)
		}
		return now.Add(time.Duration(later)), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02"} {
		if moment, err := time.ParseInLocation(form, text, location); err == nil {
			return moment, nil
		}
	}
	return now, fmt.Errorf("-at %s: write a time such as 2026-12-01T02:00:00Z or \"2026-12-01 02:00\", or +7d", text)
}

// printPlan prints a plan in the form that was asked for.
func (c *cli) printPlan(plan *planner.Plan, arguments planArguments) error {
	if arguments.jsonInto != "" {
		data, err := planner.MarshalJSONDocument(plan, c.version)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(arguments.jsonInto, append(data, '\n'), 0o600); err != nil {
			return fmt.Errorf("-json-into: %w", err)
		}
	}
	switch {
	case arguments.format == "markdown":
		return planner.WriteMarkdown(c.stdout, plan, arguments.maxBytes)
	case arguments.summary:
		return planner.WriteSummary(c.stdout, plan)
	}
	if arguments.at != "" && arguments.format == "text" {
		fmt.Fprintf(c.stdout, "The plan as it would be at %s.\n\n", plan.CreatedAt.UTC().Format("2006-01-02 15:04 UTC"))
	}
	return c.showPlan(c.stdout, plan, arguments.format == "json")
}
