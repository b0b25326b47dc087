package providers

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// CheckConfig is the Config of a KindCheck provider.
type CheckConfig interface {
	Config
	// Check makes the check that this block describes. It does no I/O.
	Check(Environment) (Check, error)
}

// Check is a question about the health of something. It is safe for concurrent use.
type Check interface {
	// Probe asks once, and ends when ctx does. An error means that it could not be asked, or was not answered: what is asked
	// about is not well then.
	Probe(ctx context.Context) (Finding, error)
}

// Recalling is a Check that can say more when it knows what it measured before, such as how fast something fills up.
type Recalling interface {
	Check
	// WithHistory returns a check that knows what was measured before, in any order. The check itself stays as it is.
	WithHistory(past []Measurement) Check
}

// Measurement is what a check measured at a moment.
type Measurement struct {
	At      time.Time
	Figures map[string]float64
}

// errTimeout is why a try was given up.
var errTimeout = errors.New("the check has no more time")

// Once asks a check once, which may take so long; 0 is no limit. Trouble with asking is what was found, but for that of ctx itself.
func Once(ctx context.Context, check Check, timeout time.Duration) Finding {
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, timeout, errTimeout)
		defer cancel()
	}
	finding, err := check.Probe(ctx)
	switch {
	case err == nil:
		return finding
	case errors.Is(context.Cause(ctx), errTimeout):
		return Finding{Verdict: Failed, Summary: fmt.Sprintf("no answer within %s", timeout)}
	}
	return Finding{Verdict: Failed, Summary: err.Error()}
}

// Verdict is what a check says of what it asked about.
type Verdict string

// The verdicts. What is Warned is well enough to go on, and someone should know.
const (
	Passed Verdict = "passed"
	Warned Verdict = "warned"
	Failed Verdict = "failed"
)

// Worse returns the worse of two verdicts.
func (v Verdict) Worse(other Verdict) Verdict {
	for _, verdict := range []Verdict{Failed, Warned} {
		if v == verdict || other == verdict {
			return verdict
		}
	}
	return Passed
}

// Finding is the answer to a Probe.
type Finding struct {
	Verdict Verdict
	// Summary says in one line without a full stop what was seen: "200 in 34ms".
	Summary string
	// Details are lines for those who want to know more: where a stale path is mentioned, the last words of a container.
	Details []string
	// Figures are what was measured, by name with the unit: "latency_seconds".
	Figures map[string]float64
}

// Add notes one more thing that was seen: the verdict becomes the worse of both, and the summaries are listed.
func (f *Finding) Add(verdict Verdict, summary string) {
	f.Verdict = f.Verdict.Worse(verdict)
	if f.Summary != "" && summary != "" {
		f.Summary += "; "
	}
	f.Summary += summary
}

// Figure notes a measurement.
func (f *Finding) Figure(name string, value float64) {
	if f.Figures == nil {
		f.Figures = make(map[string]float64)
	}
	f.Figures[name] = value
}
