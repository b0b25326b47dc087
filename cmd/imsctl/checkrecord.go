package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/executor/health"
	"github.com/castrolanda/imsctl/executor/notice"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/state"
)

// checkOperation is what a lock says that is held to record what checks saw, and the kind of the intent. It is held for a moment.
const checkOperation = "check"

const (
	// statePatience is how long the state may take to be read; without it a check does without.
	statePatience = 10 * time.Second
	// recordPause is how long a result of -watch that is like the one before is not recorded again.
	recordPause = time.Hour
)

// checkRecorder records what checks saw, as far as that works without waiting for anybody, and tells them what they saw before.
type checkRecorder struct {
	cli     *cli
	project *project
	// document is the state as it was last seen, an empty one where it could not be read: unread is why then.
	document *state.Document
	unread   error
	// recorded are the last results that were recorded here.
	recorded map[string]*state.CheckResult
}

// newCheckRecorder reads the state. That it cannot be read is in nobody's way.
func (c *cli) newCheckRecorder(ctx context.Context, project *project) *checkRecorder {
	limited, cancel := context.WithTimeout(ctx, statePatience)
	defer cancel()
	recorder := &checkRecorder{cli: c, project: project, recorded: make(map[string]*state.CheckResult)}
	if recorder.document, recorder.unread = project.backend.Read(limited); recorder.unread != nil {
		recorder.document = new(state.Document)
	}
	return recorder
}

// recall tells the checks what they saw before.
func (r *checkRecorder) recall(questions []health.Question) []health.Question {
	informed := make([]health.Question, 0, len(questions))
	for _, question := range questions {
		question.Check = planner.Recall(question.Check, r.document, question.Address)
		informed = append(informed, question)
	}
	return informed
}

// result is what came of a check, as the state keeps it.
func (r *checkRecorder) result(question health.Question, result health.Result) *state.CheckResult {
	kept := &state.CheckResult{
		Address: question.Address, AskedAt: r.cli.clock.Now().UTC(), Verdict: string(result.Verdict), Summary: r.cli.redact(result.Summary),
	}
	for name, value := range result.Figures {
		// JSON has no others.
		if !math.IsNaN(value) && !math.IsInf(value, 0) {
			if kept.Figures == nil {
				kept.Figures = make(map[string]float64, len(result.Figures))
			}
			kept.Figures[name] = value
		}
	}
	return kept
}

// news are the results that say something that is not recorded yet.
func (r *checkRecorder) news(results []*state.CheckResult) []*state.CheckResult {
	var news []*state.CheckResult
	for _, result := range results {
		if before := r.recorded[result.Address]; before == nil || before.Verdict != result.Verdict || result.AskedAt.Sub(before.AskedAt) >= recordPause {
			news = append(news, result)
		}
	}
	return news
}

// record puts results into the state. The error says why they are not there, for people: nothing else depends on it.
func (r *checkRecorder) record(ctx context.Context, results []*state.CheckResult) error {
	switch {
	case len(results) == 0:
		return nil
	case r.unread != nil:
		return r.unread
	case r.document.Lineage == "" && len(r.project.spec.Backups) > 0:
		return errors.New("there is no state yet; the first apply begins it")
	}
	session, err := r.project.lockPart(ctx, r.cli, checkOperation, addressesOf(results), 0)
	var locked *state.LockedError
	switch {
	case errors.As(err, &locked):
		return fmt.Errorf("the state is locked by %s", locked.Holder)
	case err != nil:
		return err
	}
	if err := errors.Join(recordResults(ctx, r.cli.clock, session, results), session.Close()); err != nil {
		return err
	}
	r.document = session.Document()
	for _, result := range results {
		r.recorded[result.Address] = result
	}
	return nil
}

// addressesOf are the checks whose results these are.
func addressesOf(results []*state.CheckResult) []string {
	var addresses []string
	for _, result := range results {
		addresses = append(addresses, result.Address)
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}

// recordResults puts results into a state in one step.
func recordResults(ctx context.Context, clock clock.Clock, session state.Session, results []*state.CheckResult) error {
	var events []state.Event
	for _, result := range results {
		events = append(events, state.Event{PutCheck: result})
	}
	return record(ctx, clock, session, events)
}

// settle records what a run could not do, and what it found well again. The state of a run that could not go on may be lost: its
// holder has said so already.
func (c *cli) settle(ctx context.Context, session state.Session, run *notice.Run) error {
	settlement := run.Settlement()
	if settlement == nil || run.Err != nil {
		return nil
	}
	// That a run was interrupted does not make what it could not do forgotten.
	if err := record(context.WithoutCancel(ctx), c.clock, session, []state.Event{{Settle: settlement}}); err != nil && !state.IsNotRecorded(err) {
		return fmt.Errorf("recording what failed: %w", err)
	}
	return nil
}

// record makes changes to a state in one step. Earlier steps of the kind that never ended are settled: nothing is left of them.
func record(ctx context.Context, clock clock.Clock, session state.Session, events []state.Event) error {
	now := clock.Now().UTC()
	for _, intent := range session.Document().Intents {
		if intent.Kind == checkOperation {
			if err := session.End(ctx, intent.ID, state.Result{Outcome: state.Abandoned, EndedAt: now}); err != nil {
				return err
			}
		}
	}
	run := rand.Text()
	intent := state.Intent{ID: run + "/" + checkOperation, Run: run, Address: checkOperation, Kind: checkOperation, BeganAt: now}
	if err := session.Begin(ctx, intent); err != nil {
		return err
	}
	return session.End(ctx, intent.ID, state.Result{Outcome: state.Done, EndedAt: now, Events: events})
}
