package planner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// saw declares a check and says what it saw; nil for one that nobody asked.
func (s *scene) saw(name string, finding *providers.Finding) *spec.Check {
	declared := &spec.Check{Address: "check.http." + name, Timeout: 3 * time.Second}
	s.spec.Checks = append(s.spec.Checks, declared)
	if finding != nil {
		if s.observed.Checks == nil {
			s.observed.Checks = make(map[string]providers.Finding)
		}
		s.observed.Checks[declared.Address] = *finding
	}
	return declared
}

func TestDiffChecks(t *testing.T) {
	current := func(t *testing.T) *scene {
		s := newScene(t, placeA)
		s.have(3*hour, placeA)
		return s
	}
	passed := &providers.Finding{Verdict: providers.Passed, Summary: "200 in 3ms"}
	warned := &providers.Finding{Verdict: providers.Warned, Summary: "the certificate expires in 3d"}
	failed := &providers.Finding{Verdict: providers.Failed, Summary: "502\nBad gateway."}
	runDiffCases(t, []diffCase{
		{"all pass", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", passed)
			return s
		}, nil},
		{"one of each kind", func(t *testing.T) *scene {
			s := current(t)
			s.saw("c", failed)
			s.saw("a", passed)
			s.saw("b", warned)
			return s
		}, []string{
			"blocked drift check.http.c: fails: 502 Bad gateway [failed]",
			"note check.http.b: check.http.b warns: the certificate expires in 3d",
		}},
		{"a failure that is a warning only", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", failed).WarnOnly = true
			return s
		}, []string{"note check.http.a: check.http.a warns: 502 Bad gateway"}},
		{"a failure that a deploy is to mend", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", failed)
			s.saw("b", failed)
			s.deploy("ims", func(deploy *spec.Deploy, _ *providers.DeployInspection) {
				deploy.ChecksAfter = []string{"check.http.a"}
			})
			return s
		}, []string{
			"blocked drift check.http.b: fails: 502 Bad gateway [failed]",
			"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared",
			"note check.http.a: check.http.a fails: 502 Bad gateway; deploy.ims asks it again",
		}},
		{"a failure that keeps a deploy from beginning", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", failed)
			s.deploy("ims", func(deploy *spec.Deploy, _ *providers.DeployInspection) {
				deploy.ChecksBefore, deploy.ChecksAfter = []string{"check.http.a"}, []string{"check.http.a"}
			})
			return s
		}, []string{
			"blocked drift check.http.a: fails: 502 Bad gateway; deploy.ims asks it first, and touches nothing unless it passes then [failed]",
			"deploy change deploy.ims: aaaaaaa → bbbbbbb (1 commit, 1 file); strategy hybrid: declared",
		}},
		{"a failure before a deploy that had begun", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", failed)
			s.deploy("ims", func(deploy *spec.Deploy, _ *providers.DeployInspection) {
				deploy.ChecksBefore, deploy.ChecksAfter = []string{"check.http.a"}, []string{"check.http.a"}
			})
			s.deployed(commitB, state.Deploying)
			return s
		}, []string{
			"deploy recovery deploy.ims: the deploy of bbbbbbb begun at 2026-11-22 11:00 UTC was interrupted while deploying: it is gone on with",
			"note check.http.a: check.http.a fails: 502 Bad gateway; deploy.ims asks it again",
		}},
		{"a failure after a deploy that there is no more", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", failed)
			s.deploy("ims", func(deploy *spec.Deploy, view *providers.DeployInspection) {
				deploy.ChecksAfter, view.Site.Running = []string{"check.http.a"}, commitB
			})
			return s
		}, []string{"blocked drift check.http.a: fails: 502 Bad gateway [failed]"}},
		{"nothing to say", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", &providers.Finding{Verdict: providers.Failed})
			return s
		}, []string{"blocked drift check.http.a: fails [failed]"}},
		{"nobody looked", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", nil)
			s.saw("b", nil)
			s.observed = nil
			return s
		}, []string{"note check: 2 checks were not asked: whether what they are about is well is not part of this plan"}},
		{"one was not asked", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", passed)
			s.saw("b", nil)
			return s
		}, []string{"note check: 1 check was not asked: whether what they are about is well is not part of this plan"}},
		{"what is not built is not asked", func(t *testing.T) *scene {
			s := current(t)
			s.saw("a", nil).NotBuilt = "this is not built yet"
			return s
		}, []string{"blocked change check.http.a: this is not built yet"}},
	})
}

// Nothing is said to be true that nobody asked about.
func TestSummaryOfChecks(t *testing.T) {
	s := newScene(t, placeA)
	s.have(3*hour, placeA)
	s.saw("a", &providers.Finding{Verdict: providers.Passed})
	if got := Summary(s.diff()); got != "No changes. Everything declared is true." {
		t.Error(got)
	}
	s.observed = nil
	plan := s.diff()
	if got := Summary(plan); strings.Contains(got, "declared is true.") || plan.Failed() || plan.HasChanges() {
		t.Error(got)
	}
	// The note goes with a saved plan.
	var saved bytes.Buffer
	if err := Save(&saved, SavedPlan{SpecPath: "/x", Plan: plan}); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadSaved(&saved)
	if err != nil || Summary(loaded.Plan) != Summary(plan) {
		t.Errorf("%v: %s", err, Summary(loaded.Plan))
	}
	s = newScene(t, placeA)
	s.have(3*hour, placeA)
	s.saw("a", &providers.Finding{Verdict: providers.Failed})
	if plan := s.diff(); !plan.Failed() || Summary(plan) != "Plan: 1 blocked." {
		t.Error(Summary(plan))
	}
}

// A check is part of a plan by its address, whether it fails or not.
func TestScopeOfChecks(t *testing.T) {
	s := newScene(t, placeA)
	s.saw("a", &providers.Finding{Verdict: providers.Failed})
	s.saw("b", &providers.Finding{Verdict: providers.Passed})
	for address, want := range map[string]string{"check.http.a": "[check.http.a]", "check.http.b": "[]", database: "[" + database + "]"} {
		plan, err := Select(s.diff(), s.spec, Scope{Targets: []string{address}})
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for _, action := range plan.Actions {
			kept = append(kept, action.Common().Address)
		}
		if fmt.Sprint(kept) != want {
			t.Errorf("%s: got %v", address, kept)
		}
	}
}

// probe is a check that does as it is told, and remembers what it was told of the past.
type probe struct {
	do   func(context.Context) (providers.Finding, error)
	mu   *sync.Mutex
	past *[]providers.Measurement
}

func (p probe) Probe(ctx context.Context) (providers.Finding, error) { return p.do(ctx) }

func (p probe) WithHistory(past []providers.Measurement) providers.Check {
	p.mu.Lock()
	defer p.mu.Unlock()
	*p.past = append(*p.past, past...)
	return p
}

func TestObserveAsksChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, placeA)
		world := worldOf(s, map[string]providers.Destination{placeA: &fakeDestination{}})
		world.Checks = make(map[string]providers.Check)
		var mu sync.Mutex
		var past []providers.Measurement
		asked, at, most := 0, 0, 0
		add := func(name string, do func(context.Context) (providers.Finding, error)) *spec.Check {
			declared := s.saw(name, nil)
			world.Checks[declared.Address] = probe{mu: &mu, past: &past, do: func(ctx context.Context) (providers.Finding, error) {
				mu.Lock()
				asked++
				at++
				most = max(most, at)
				mu.Unlock()
				time.Sleep(time.Second)
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					at--
				}()
				return do(ctx)
			}}
			return declared
		}
		add("well", func(context.Context) (providers.Finding, error) {
			return providers.Finding{Verdict: providers.Passed, Summary: "yes"}, nil
		})
		flapping := add("ill", func(context.Context) (providers.Finding, error) {
			return providers.Finding{}, errors.New("nobody there")
		})
		flapping.Retries, flapping.StartPeriod = 5, time.Hour
		add("hangs", func(ctx context.Context) (providers.Finding, error) {
			<-ctx.Done()
			return providers.Finding{}, ctx.Err()
		})
		add("unbuilt", nil).NotBuilt = "not built yet"
		for i := range 3 {
			s.document.Checks = append(s.document.Checks, &state.CheckResult{Address: "check.http.well", AskedAt: s.now.Add(time.Duration(i) * hour), Verdict: "passed"})
		}
		begun := time.Now()
		observed, err := Observe(t.Context(), s.spec, s.document, world, clock.System{}, ObserveOptions{Parallelism: 2})
		if err != nil {
			t.Fatal(err)
		}
		got := make(map[string]string)
		for address, finding := range observed.Checks {
			got[address] = string(finding.Verdict) + " " + finding.Summary
		}
		want := map[string]string{"check.http.well": "passed yes", "check.http.ill": "failed nobody there", "check.http.hangs": "failed no answer within 3s"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if asked != 3 || most != 2 || len(past) != 3 || time.Since(begun) != 4*time.Second {
			t.Errorf("asked %d times, %d at once, told of %d results, after %s", asked, most, len(past), time.Since(begun))
		}
		observed, err = Observe(t.Context(), s.spec, s.document, world, clock.System{}, ObserveOptions{SkipChecks: true})
		if err != nil || observed.Checks != nil || asked != 3 {
			t.Errorf("%v: %v", err, observed.Checks)
		}
	})
}

func TestObserveEndsItsChecks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScene(t, placeA)
		world := worldOf(s, map[string]providers.Destination{placeA: &fakeDestination{}})
		declared := s.saw("hangs", nil)
		declared.Timeout = time.Hour
		world.Checks = map[string]providers.Check{declared.Address: probe{mu: new(sync.Mutex), past: new([]providers.Measurement), do: func(ctx context.Context) (providers.Finding, error) {
			<-ctx.Done()
			return providers.Finding{}, ctx.Err()
		}}}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := Observe(ctx, s.spec, s.document, world, clock.System{}, ObserveOptions{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// checkConfig makes a check of a host and a source.
type checkConfig struct {
	host, source providers.Reference
}

func (checkConfig) Validate() []providers.Problem { return nil }

func (c checkConfig) Check(env providers.Environment) (providers.Check, error) {
	if _, err := env.Hosts(c.host); err != nil {
		return nil, err
	}
	_, err := env.Sources(c.source)
	return probe{do: func(context.Context) (providers.Finding, error) {
		return providers.Finding{Verdict: providers.Passed}, nil
	}}, err
}

// brokenConfig is a source or a host that cannot be made.
type brokenConfig struct{ err error }

func (brokenConfig) Validate() []providers.Problem { return nil }

func (c brokenConfig) Source(providers.Environment) (providers.Source, error) { return nil, c.err }

func (c brokenConfig) Host(providers.Environment) (providers.Host, error) { return nil, c.err }

// A check whose host or source cannot be made says so when it is asked, and the others are made.
func TestOpenChecks(t *testing.T) {
	local := providers.Reference{Address: providers.LocalHost}
	specification := &spec.Spec{
		Hosts:   []*spec.Host{{Address: "host.ssh.broken", Config: brokenConfig{errors.New("no key")}}},
		Sources: []*spec.Source{{Address: "source.x.broken", Config: brokenConfig{errors.New("no URL")}}, {Address: "source.x.unbuilt", NotBuilt: "not built"}},
		Checks: []*spec.Check{
			{Address: "check.x.host", Config: checkConfig{host: providers.Reference{Address: "host.ssh.broken"}}},
			{Address: "check.x.source", Config: checkConfig{host: local, source: providers.Reference{Address: "source.x.broken"}}},
			{Address: "check.x.unbuilt", Config: checkConfig{host: local, source: providers.Reference{Address: "source.x.unbuilt"}}},
			{Address: "check.x.future", Config: checkConfig{}, NotBuilt: "asking the future is not built yet"},
		},
	}
	environment := environment(t)
	world := OpenChecks(specification, environment)
	for address, want := range map[string]string{
		"check.x.host": "host.ssh.broken: no key", "check.x.source": "source.x.broken: no URL",
		"check.x.unbuilt": "source.x.unbuilt is not built yet", "check.x.future": "asking the future is not built yet",
	} {
		if _, err := world.Checks[address].Probe(t.Context()); err == nil || err.Error() != want {
			t.Errorf("%s: got %v", address, err)
		}
	}
	if _, err := Open(specification, environment); err == nil || !strings.Contains(err.Error(), "no key") || !strings.Contains(err.Error(), "no URL") || strings.Contains(err.Error(), "check.") {
		t.Errorf("got %v", err)
	}
}
