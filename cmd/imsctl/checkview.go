package main

import (
	"fmt"
	"strings"

	"github.com/fatih/color"

	"github.com/castrolanda/imsctl/executor/health"
	"github.com/castrolanda/imsctl/internal/terminal"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// checkView shows what checks saw.
type checkView interface {
	// begin comes before each round.
	begin(questions []health.Question)
	// ended shows one result.
	ended(question health.Question, result health.Result)
	// summary shows how many there were of each kind, and why nothing was recorded, where it was not.
	summary(counted tally, unrecorded error) error
}

// changesOnly shows a result when the verdict is another one than it was.
type changesOnly struct {
	checkView
	before map[string]providers.Verdict
}

func (v changesOnly) ended(question health.Question, result health.Result) {
	if v.before[question.Address] == result.Verdict {
		return
	}
	_, again := v.before[question.Address]
	v.before[question.Address] = result.Verdict
	if again {
		result.Summary = "now: " + result.Summary
	}
	v.checkView.ended(question, result)
}

// humanCheckView prints a line for each check, and its details below.
type humanCheckView struct {
	cli   *cli
	width int
}

func (v *humanCheckView) begin(questions []health.Question) {
	for _, question := range questions {
		v.width = max(v.width, terminal.Width(question.Address))
	}
}

// verdictInks are what verdicts are printed in, and verdictWords as what.
var (
	verdictInks  = map[providers.Verdict]color.Attribute{providers.Passed: color.FgGreen, providers.Warned: color.FgYellow, providers.Failed: color.FgRed}
	verdictWords = map[providers.Verdict]string{providers.Passed: "ok  ", providers.Warned: "warn", providers.Failed: "FAIL"}
)

func (v *humanCheckView) ended(question health.Question, result health.Result) {
	ink := color.New(verdictInks[result.Verdict])
	if v.cli.look(v.cli.stdout).Color {
		ink.EnableColor()
	} else {
		ink.DisableColor()
	}
	summary := v.cli.redact(result.Summary)
	if result.Tries > 1 {
		summary += fmt.Sprintf(" (tried %d times)", result.Tries)
	}
	padding := strings.Repeat(" ", v.width-terminal.Width(question.Address))
	fmt.Fprintf(v.cli.stdout, "%s  %s%s  %s\n", ink.Sprint(verdictWords[result.Verdict]), question.Address, padding, terminal.Escape(summary))
	if result.Verdict == providers.Passed {
		return
	}
	for _, line := range result.Details {
		fmt.Fprintf(v.cli.stdout, "        %s\n", terminal.Escape(v.cli.redact(line)))
	}
}

func (v *humanCheckView) summary(counted tally, unrecorded error) error {
	all := counted[providers.Passed] + counted[providers.Warned] + counted[providers.Failed]
	_, err := fmt.Fprintf(v.cli.stdout, "\n%s: %d passed, %d warned, %d failed.\n",
		units.Counted(all, "check", "checks"), counted[providers.Passed], counted[providers.Warned], counted[providers.Failed])
	if unrecorded != nil {
		_, err = fmt.Fprintf(v.cli.stdout, "Nothing was recorded: %s.\n", terminal.Escape(v.cli.redact(unrecorded.Error())))
	}
	return err
}

// jsonCheckView prints a line of JSON for each.
type jsonCheckView struct{ stream *streamView }

func (*jsonCheckView) begin([]health.Question) {}

func (v *jsonCheckView) ended(question health.Question, result health.Result) {
	level := levelInfo
	switch result.Verdict {
	case providers.Warned:
		level = levelWarn
	case providers.Failed:
		level = levelError
	}
	redact := v.stream.cli.redact
	details := make([]string, 0, len(result.Details))
	for _, line := range result.Details {
		details = append(details, redact(line))
	}
	figures := result.Figures
	if figures == nil {
		figures = map[string]float64{}
	}
	v.stream.out.print(level, "check", question.Address+": "+string(result.Verdict), map[string]any{
		"address": question.Address, "verdict": result.Verdict, "summary": redact(result.Summary), "details": details,
		"figures": figures, "tries": result.Tries, "elapsed_seconds": result.Took.Seconds(),
	})
}

func (v *jsonCheckView) summary(counted tally, unrecorded error) error {
	summary := map[string]any{
		"passed": counted[providers.Passed], "warned": counted[providers.Warned], "failed": counted[providers.Failed], "recorded": unrecorded == nil,
	}
	if unrecorded != nil {
		summary["unrecorded"] = v.stream.cli.redact(unrecorded.Error())
	}
	v.stream.out.print(levelInfo, "check_summary", "the checks were asked", summary)
	return v.stream.out.failure()
}
