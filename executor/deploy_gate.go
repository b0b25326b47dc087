package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/executor/health"
	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// The moments at which checks are asked.
const (
	whenBefore = "before"
	whenAfter  = "after"
)

// standBehind finds the artifacts that are to stand behind the deploy, as they are now.
func (d *deployment) standBehind() error {
	d.release.Backups = nil
	for _, address := range d.action.Backups {
		artifact, err := d.standing(address)
		if err != nil {
			return err
		}
		d.release.Backups = append(d.release.Backups, artifact.ID)
	}
	return nil
}

// standing is the newest artifact of a backup with as many verified copies as it needs, and young enough.
func (d *deployment) standing(address string) (*state.Artifact, error) {
	least := 1
	if backup := d.Spec.Backup(address); backup != nil {
		least = backup.MinCopies
	}
	artifacts := d.Session.Document().ByBackup()[address]
	for i := len(artifacts) - 1; i >= 0; i-- {
		age := d.now().Sub(artifacts[i].StartedAt)
		if len(artifacts[i].VerifiedAt()) < least || age < -planner.MaxSkew {
			continue
		}
		if limit := d.action.MaxAge.Std(); limit > 0 && age > limit {
			return nil, fmt.Errorf("the last verified backup of %s is %s old, and %s is the most: make a new plan, which takes one first", address, units.Age(age), units.Age(limit))
		}
		return artifacts[i], nil
	}
	return nil, fmt.Errorf("%s has no verified backup: make a new plan, which takes one first", address)
}

// questions are declared checks.
func (d *deployment) questions(addresses []string) ([]health.Question, error) {
	declared := make(map[string]*spec.Check, len(d.Spec.Checks))
	for _, check := range d.Spec.Checks {
		declared[check.Address] = check
	}
	var questions []health.Question
	document := d.Session.Document()
	for _, address := range addresses {
		check := declared[address]
		if check == nil || d.World.Checks[address] == nil {
			return nil, fmt.Errorf("%s cannot be asked: it is not built yet", address)
		}
		questions = append(questions, health.Question{Address: address, Check: planner.Recall(d.World.Checks[address], document, address), Policy: PolicyOf(check)})
	}
	return questions, nil
}

// askBefore asks the checks before the deploy. Warnings are told, and do not stop it.
func (d *deployment) askBefore(ctx context.Context) error {
	questions, err := d.questions(d.declared.ChecksBefore)
	if err != nil {
		return err
	}
	return d.mindBefore(ctx, d.ask(ctx, questions, whenBefore))
}

// mindBefore is what becomes of a failure before a deploy. That something is not well is why somebody goes back, and only a warning then.
func (d *deployment) mindBefore(ctx context.Context, err error) error {
	if err == nil || d.action.Strategy != planner.Rollback || ctx.Err() != nil {
		return err
	}
	d.warn(err.Error())
	return nil
}

// ask asks checks once, as often as their policy says, and records what they answered in the place of what they had.
func (d *deployment) ask(ctx context.Context, questions []health.Question, when string) error {
	var failed []string
	err := health.All(ctx, d.Clock, questions, DefaultParallelism, func(question health.Question, answer health.Result) {
		summary := d.Spec.Redact(answer.Summary)
		d.answered(state.GateCheck{Address: question.Address, When: when, Verdict: string(answer.Verdict), Summary: summary})
		switch answer.Verdict {
		case providers.Failed:
			failed = append(failed, question.Address+" failed: "+summary)
		case providers.Warned:
			d.warn(fmt.Sprintf("%s warns: %s", question.Address, summary))
		}
	})
	if err != nil {
		return fmt.Errorf("asking the checks: %w", err)
	}
	if len(failed) > 0 {
		return errors.New(strings.Join(failed, "; "))
	}
	return nil
}

// warn adds warnings, each once and without secrets.
func (d *deployment) warn(texts ...string) {
	for _, text := range d.redactedAll(texts) {
		if !slices.Contains(d.release.Warnings, text) {
			d.release.Warnings = append(slices.Clip(d.release.Warnings), text)
		}
	}
}

// answered records the last answer of a check.
func (d *deployment) answered(answer state.GateCheck) {
	// The recorded list is never altered.
	checks := slices.Clone(d.release.Checks)
	i := slices.IndexFunc(checks, func(known state.GateCheck) bool { return known.Address == answer.Address && known.When == answer.When })
	if i < 0 {
		checks = append(checks, answer)
	} else {
		checks[i] = answer
	}
	d.release.Checks = checks
}

// verify waits until all checks pass, and until they have done so without a break for as long as they must; then it asks on
// for the watch period. Containers that are not well fail it as a check does.
func (d *deployment) verify(ctx context.Context, watch time.Duration) error {
	questions, err := d.questions(d.declared.ChecksAfter)
	if err != nil {
		return err
	}
	once := make([]health.Question, len(questions))
	for i, question := range questions {
		once[i] = question
		once[i].Policy.Retries, once[i].Policy.Successes, once[i].Policy.StartPeriod = 0, 1, 0
	}
	begun := d.Clock.Now()
	var healthySince time.Time
	for {
		err := d.well(ctx, once)
		now := d.Clock.Now()
		switch {
		case ctx.Err() != nil:
			return cause.Interruption(ctx)
		case err == nil && healthySince.IsZero():
			healthySince = now
		case err != nil && now.Sub(begun) >= d.declared.Timeout:
			return fmt.Errorf("not healthy within %s: %w", units.Span(d.declared.Timeout), err)
		case err != nil:
			healthySince = time.Time{}
		}
		if err == nil && now.Sub(healthySince) >= d.declared.MinHealthy {
			return d.watch(ctx, questions, watch)
		}
		if clock.Sleep(ctx, d.declared.Interval) != nil {
			return cause.Interruption(ctx)
		}
	}
}

// watch asks on for a while, with the checks' own patience.
func (d *deployment) watch(ctx context.Context, questions []health.Question, span time.Duration) error {
	begun := d.Clock.Now()
	for d.Clock.Now().Sub(begun) < span {
		if clock.Sleep(ctx, d.declared.Interval) != nil {
			return cause.Interruption(ctx)
		}
		if err := d.well(ctx, questions); err != nil {
			return fmt.Errorf("healthy at first, and after %s no more: %w", units.Span(d.Clock.Now().Sub(begun)), err)
		}
	}
	return nil
}

// well asks the checks and the containers.
func (d *deployment) well(ctx context.Context, questions []health.Question) error {
	var group sync.WaitGroup
	var evidence []string
	group.Go(func() { evidence = d.site.Evidence(ctx) })
	err := d.ask(ctx, questions, whenAfter)
	group.Wait()
	if len(evidence) > 0 {
		return errors.Join(err, errors.New(d.Spec.Redact(evidence[0])))
	}
	return err
}
