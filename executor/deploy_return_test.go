package executor_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/state"
)

// TestReturnFromWhatIsIll: that what runs is not well is why somebody goes back, and does not keep them from it.
func TestReturnFromWhatIsIll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlant()
		y := newYard(t, p)
		if _, err := y.apply(y.session); err != nil {
			t.Fatal(err)
		}
		p.late[commitB] = true
		view := p.Inspect(t.Context())
		observed := &planner.Observed{Deploys: map[string]*providers.DeployInspection{"deploy.ims": &view}}
		plan, err := planner.Returning(y.spec, y.session.Document(), observed, "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		registry, err := builtin.Registry()
		if err != nil {
			t.Fatal(err)
		}
		runner := &executor.Executor{Spec: y.spec, World: y.world, Registry: registry, Session: y.session, Clock: clock.System{}, By: "ana@laptop", Version: "test"}
		if _, err := runner.Run(t.Context(), plan); err != nil {
			t.Fatal(err)
		}
		last := y.last()
		if last.Phase != state.Promoted || p.runs() != commitA {
			t.Errorf("%s runs, and it is %s: %s", p.runs(), last.Phase, last.Error)
		}
		if warned := strings.Join(last.Warnings, "\n"); !strings.Contains(warned, "check.command.ml failed: accuracy 0.41") {
			t.Errorf("it warns of %q", warned)
		}
	})
}
