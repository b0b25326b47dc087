package health

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// script is a check that answers with a letter of a text at each try, the last one for ever: p, w, f, e (an error), h (hangs).
type script struct {
	answers string
	asked   int
}

func (s *script) Probe(ctx context.Context) (providers.Finding, error) {
	answer := s.answers[min(s.asked, len(s.answers)-1)]
	s.asked++
	switch answer {
	case 'p':
		return providers.Finding{Verdict: providers.Passed, Summary: "well"}, nil
	case 'w':
		return providers.Finding{Verdict: providers.Warned, Summary: "nearly"}, nil
	case 'e':
		return providers.Finding{}, errors.New("nobody there")
	case 'h':
		<-ctx.Done()
		return providers.Finding{}, ctx.Err()
	}
	return providers.Finding{Verdict: providers.Failed, Summary: "ill"}, nil
}

func TestAsk(t *testing.T) {
	second := Policy{Timeout: 3 * time.Second, Interval: time.Second}
	with := func(change func(*Policy)) Policy {
		policy := second
		change(&policy)
		return policy
	}
	for name, test := range map[string]struct {
		answers string
		policy  Policy
		verdict providers.Verdict
		summary string
		tries   int
		took    time.Duration
	}{
		"passes at once":                    {"p", second, providers.Passed, "well", 1, 0},
		"warns at once":                     {"w", second, providers.Warned, "nearly", 1, 0},
		"fails without retries":             {"f", second, providers.Failed, "ill", 1, 0},
		"cannot be asked":                   {"e", second, providers.Failed, "nobody there", 1, 0},
		"hangs":                             {"h", second, providers.Failed, "no answer within 3s", 1, 3 * time.Second},
		"recovers":                          {"ffp", with(func(p *Policy) { p.Retries = 2 }), providers.Passed, "well", 3, 2 * time.Second},
		"runs out of retries":               {"fffp", with(func(p *Policy) { p.Retries = 2 }), providers.Failed, "ill", 3, 2 * time.Second},
		"must pass in a row":                {"pfppp", with(func(p *Policy) { p.Retries = 1; p.Successes = 3 }), providers.Passed, "well", 5, 4 * time.Second},
		"a success gives retries back":      {"fpfpff", with(func(p *Policy) { p.Retries = 1; p.Successes = 2 }), providers.Failed, "ill", 6, 5 * time.Second},
		"starts slowly":                     {"fffffp", with(func(p *Policy) { p.StartPeriod = 5 * time.Second }), providers.Passed, "well", 6, 5 * time.Second},
		"does not start":                    {"f", with(func(p *Policy) { p.StartPeriod = 5 * time.Second }), providers.Failed, "ill", 6, 5 * time.Second},
		"is a warning only":                 {"f", with(func(p *Policy) { p.WarnOnly = true }), providers.Warned, "ill", 1, 0},
		"hangs, and is there the next time": {"hp", with(func(p *Policy) { p.Retries = 1 }), providers.Passed, "well", 2, 4 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				told := 0
				result, err := Ask(t.Context(), clock.System{}, &script{answers: test.answers}, test.policy, func(int, providers.Finding) { told++ })
				if err != nil {
					t.Fatal(err)
				}
				if result.Verdict != test.verdict || result.Summary != test.summary || result.Tries != test.tries || result.Took != test.took {
					t.Errorf("got %+v", result)
				}
				if told != test.tries-1 {
					t.Errorf("was told of %d tries", told)
				}
			})
		})
	}
}

func TestAskEndsWithItsContext(t *testing.T) {
	for name, answers := range map[string]string{"while it asks": "h", "in a pause": "f"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeoutCause(t.Context(), 90*time.Second, errors.New("enough"))
				defer cancel()
				_, err := Ask(ctx, clock.System{}, &script{answers: answers}, Policy{Interval: time.Minute, Retries: 1000}, nil)
				if err == nil || !strings.Contains(err.Error(), "enough") {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}

func TestAllKeepsTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := Policy{Interval: time.Minute, Retries: 3}
		questions := []Question{
			{Address: "slow", Check: &script{answers: "fffp"}, Policy: slow},
			{Address: "ill", Check: &script{answers: "f"}},
			{Address: "well", Check: &script{answers: "p"}},
		}
		var ended []string
		err := All(t.Context(), clock.System{}, questions, 2, func(question Question, result Result) {
			ended = append(ended, question.Address+" "+string(result.Verdict))
		})
		if got := strings.Join(ended, ", "); err != nil || got != "slow passed, ill failed, well passed" {
			t.Errorf("%v: %s", err, got)
		}
	})
}

func TestAllEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, errors.New("enough"))
		defer cancel()
		err := All(ctx, clock.System{}, []Question{{Check: &script{answers: "h"}}, {Check: &script{answers: "p"}}}, 1, func(Question, Result) {
			t.Error("a result was reported")
		})
		if err == nil || !strings.Contains(err.Error(), "enough") {
			t.Errorf("got %v", err)
		}
	})
}
