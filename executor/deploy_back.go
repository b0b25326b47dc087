package executor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// explain keeps why the deploy failed, and what containers that are not well have to say, while they are still there.
func (d *deployment) explain(ctx context.Context, why error) {
	d.release.Error = d.Spec.Redact(strings.ReplaceAll(why.Error(), providers.ErrTemporary.Error()+": ", ""))
	lines := d.redactedAll(d.site.Evidence(ctx))
	if len(lines) > state.MaxEvidence {
		lines = lines[:state.MaxEvidence]
	}
	d.release.Evidence = lines
	d.release.Interrupted = d.outOfReach(ctx, why)
}

// outOfReach reports whether a deploy failed because its host could not be reached, which says nothing of the revision. A check knows only
// that nobody answered it, so the host is asked as well.
func (d *deployment) outOfReach(ctx context.Context, why error) bool {
	return errors.Is(why, providers.ErrTemporary) || errors.Is(d.site.View(ctx).Err, providers.ErrTemporary)
}

// withEvidence adds to an error what containers had to say.
func (d *deployment) withEvidence(err error) error {
	if len(d.release.Evidence) == 0 {
		return err
	}
	return fmt.Errorf("%w\n  %s", err, strings.Join(d.release.Evidence, "\n  "))
}

// back brings the release before the deploy back and checks it. It stays on the way back until that is so: the next apply goes on.
func (d *deployment) back(ctx context.Context, why error) error {
	if err := d.enter(ctx, state.RollingBack); err != nil {
		return errors.Join(d.withEvidence(why), fmt.Errorf("it is not gone back yet, the next apply does it: %w", err))
	}
	if err := d.comeBack(ctx); err != nil {
		return errors.Join(d.withEvidence(why), fmt.Errorf("going back to %s failed, the next apply tries again: %w", d.release.Previous, err))
	}
	if err := d.enter(ctx, state.RolledBack); err != nil {
		return errors.Join(d.withEvidence(why), err)
	}
	return fmt.Errorf("%w\nWent back to %s (release %s), which is healthy", d.withEvidence(why), planner.Abbreviated(d.release.PreviousCommit), d.release.Previous)
}

// comeBack makes the previous release run, with the data that is to be restored, and verifies it.
func (d *deployment) comeBack(ctx context.Context) error {
	// What was never whole has nothing that could be undone.
	if !d.release.Untouched {
		if err := d.site.Hook(ctx, providers.OnRollback, d.onHost(), io.Discard); err != nil {
			d.warn(err.Error())
		}
	}
	if err := d.restoreData(ctx); err != nil {
		return err
	}
	activation, err := d.site.Return(ctx, d.previous())
	if err != nil {
		return err
	}
	d.warn(activation.Warnings...)
	return d.verify(ctx, 0)
}

// restoreData restores the backups that are to be restored when a deploy is gone back from: the artifacts that stood behind it, or
// the newest ones from before it, after a backup of what is there. It is done once.
func (d *deployment) restoreData(ctx context.Context) error {
	for _, address := range d.declared.Restore {
		artifact := d.before(address)
		if artifact == nil {
			return fmt.Errorf("%s has no verified artifact from before the deploy that could be restored", address)
		}
		if slices.Contains(d.release.Restored, artifact.ID) {
			continue
		}
		if err := d.restoreOne(ctx, address, artifact); err != nil {
			return fmt.Errorf("restoring %s: %w", artifact.ID, err)
		}
		d.release.Restored = append(slices.Clip(d.release.Restored), artifact.ID)
		if err := d.put(ctx, d.release); err != nil {
			return err
		}
	}
	return nil
}

// before is the newest artifact of a backup that was begun before the deploy touched anything and has a good copy.
func (d *deployment) before(address string) *state.Artifact {
	begun := d.release.StartedAt()
	for _, transition := range d.release.Transitions {
		if transition.Phase.Touched() {
			begun = transition.At
			break
		}
	}
	artifacts := d.Session.Document().ByBackup()[address]
	for i := len(artifacts) - 1; i >= 0; i-- {
		if artifacts[i].StartedAt.Before(begun) && len(artifacts[i].VerifiedAt()) > 0 {
			return artifacts[i]
		}
	}
	return nil
}

// restoreOne puts an artifact into the place that its source reads, after a backup of what is there.
func (d *deployment) restoreOne(ctx context.Context, address string, artifact *state.Artifact) error {
	backup, source := d.Spec.Backup(address), d.Spec.Source(artifact.Source)
	if backup == nil || source == nil {
		return errors.New("its source is not in the specification any more")
	}
	placed, ok := source.Config.(providers.Placed)
	if !ok {
		return fmt.Errorf("what a source of type %q reads cannot be put back into its place", source.Type)
	}
	precaution := planner.Precaution(d.Spec, d.Session.Document(), backup, "before it is replaced by "+artifact.ID, d.Clock.Now())
	if _, err := d.backup(ctx, precaution.Actions[0].(*planner.Backup)); err != nil && !errors.Is(err, errDegraded) {
		return fmt.Errorf("backing up what is there first: %w", err)
	}
	target := placed.Place(d.Environment)
	target.Own, target.Overwrite, target.Force = true, true, true
	restorer := &Restorer{Spec: d.Spec, World: d.World, Registry: d.Registry, Environment: d.Environment, Decryption: d.Decryption}
	_, restored, err := restorer.ToTarget(ctx, Request{Artifact: artifact}, target)
	d.warn(restored.Warnings...)
	return err
}
