package executor

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// PhaseReporter is a Reporter that wants to hear of the phases of deploys.
type PhaseReporter interface {
	Reporter
	// Entered: the action has come to a phase, and what is done in it begins.
	Entered(action planner.Action, phase state.Phase)
}

// enter records a phase before anything is done in it, first in the state and then on the host. A good end is recorded on the host first:
// as long as the host does not know of it the deploy has not ended, and is taken up.
func (d *deployment) enter(ctx context.Context, phase state.Phase) error {
	if ctx.Err() != nil {
		return cause.Interruption(ctx)
	}
	if phase == state.Promoted || phase == state.RolledBack {
		if err := d.site.Record(ctx, d.record(d.release.Enter(phase, d.now()))); err != nil {
			return fmt.Errorf("recording on the host that it is %s: %w", phase, err)
		}
		if err := d.save(ctx, phase); err != nil {
			return err
		}
	} else {
		if err := d.save(ctx, phase); err != nil {
			return err
		}
		if err := d.site.Record(ctx, d.record(d.release)); err != nil {
			return fmt.Errorf("recording on the host that it is %s: %w", phase, err)
		}
	}
	d.tell(phase)
	return nil
}

// begin records in the state, before the lock of the host is taken, whose lock that will be: it is known for dead when this process is.
func (d *deployment) begin(ctx context.Context) error {
	if earlier := d.release.Run; earlier != "" && earlier != d.id && !slices.Contains(d.release.EarlierRuns, earlier) {
		// This one may die before it has taken the lock from that.
		d.release.EarlierRuns = append(slices.Clip(d.release.EarlierRuns), earlier)
	}
	d.release.Run = d.id
	if d.action.Taken == planner.Resumed || d.action.Taken == planner.Reverted {
		return d.put(ctx, d.release)
	}
	if err := d.supersede(ctx); err != nil {
		return err
	}
	if err := d.save(ctx, state.Planned); err != nil {
		return err
	}
	d.tell(state.Planned)
	return nil
}

// unbegun ends the record of a deploy that came to nothing but its plan, and returns why.
func (d *deployment) unbegun(why error) error {
	if d.release.Phase != state.Planned {
		return why
	}
	d.release.Error = d.Spec.Redact(why.Error())
	return errors.Join(why, d.save(context.Background(), state.Failure))
}

// tell says to who listens that the deploy has come to a phase.
func (d *deployment) tell(phase state.Phase) {
	if reporter, ok := d.reporter.(PhaseReporter); ok {
		reporter.Entered(d.action, phase)
	}
}

// save records a phase in the state.
func (d *deployment) save(ctx context.Context, phase state.Phase) error {
	d.release = d.release.Enter(phase, d.now())
	return d.put(ctx, d.release)
}

// put records a deploy in the state as it is.
func (d *deployment) put(ctx context.Context, release *state.Release) error {
	d.saved++
	intent := d.intent(d.action)
	intent.ID += fmt.Sprintf("/%d", d.saved)
	lasting := context.WithoutCancel(ctx)
	if err := d.Session.Begin(lasting, intent); err != nil {
		return fmt.Errorf("recording the intent: %w", err)
	}
	// What is handed to the state is never altered.
	recorded := *release
	ending := state.Result{Outcome: state.Done, EndedAt: d.now(), Events: []state.Event{{PutRelease: &recorded}}}
	if err := d.Session.End(lasting, intent.ID, ending); err != nil {
		return fmt.Errorf("recording the result: %w", err)
	}
	return nil
}

// record is what the host remembers of the deploy.
func (d *deployment) record(deploy *state.Release) providers.ReleaseRecord {
	record := providers.ReleaseRecord{
		Release: d.onHost(), Deploy: d.action.Address, Strategy: deploy.Strategy, By: deploy.By, Phase: string(deploy.Phase),
		Backups: deploy.Backups, StartedAt: deploy.StartedAt(), EndedAt: deploy.EndedAt(),
		Promoted: d.proven || deploy.Phase == state.Promoted, Error: deploy.Error,
	}
	for _, check := range deploy.Checks {
		record.Checks = append(record.Checks, fmt.Sprintf("%s %s %s: %s", check.When, check.Address, check.Verdict, check.Summary))
	}
	return record
}
