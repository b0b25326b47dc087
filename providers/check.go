package providers

import "context"

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
