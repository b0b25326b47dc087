package executor_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/executor"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// diary is a source that goes on where it ended. It remembers where its readings began.
type diary struct {
	after  string
	begun  *[]string
	broken *bool
}

func (d diary) Format() providers.Format { return providers.Format{Extension: ".txt"} }

func (d diary) Inspect(context.Context) (providers.Inspection, error) {
	return providers.Inspection{}, nil
}

func (d diary) Read(_ context.Context, _ string, w io.Writer) (providers.Reading, error) {
	*d.begun = append(*d.begun, d.after)
	if _, err := io.WriteString(w, "after "+d.after+"\n"); err != nil {
		return providers.Reading{}, err
	}
	if *d.broken {
		return providers.Reading{}, errors.New("the pen broke")
	}
	return providers.Reading{
		Position:  fmt.Sprintf("page %d", len(*d.begun)),
		Container: &providers.Container{Name: "desk", ID: "17", Image: "desk:1", ImageID: "sha256:12", Health: "healthy", State: "running"},
	}, nil
}

func (d diary) After(position string) (providers.Source, error) {
	if position == "" {
		return nil, errors.New("no page is no position")
	}
	d.after = position
	return d, nil
}

func TestReadingsGoOnWhereTheLastEnded(t *testing.T) {
	b := newWorkbench(t)
	var begun []string
	broken := false
	b.world.Sources["source.command.notes"] = diary{begun: &begun, broken: &broken}
	take := func() *state.Artifact {
		b.clock.Advance(time.Hour)
		return b.backup()
	}
	first := take()
	if first.Position != "page 1" {
		t.Errorf("the position is %q", first.Position)
	}
	if want := (state.Container{Name: "desk", ID: "17", Image: "desk:1", ImageID: "sha256:12", Health: "healthy"}); first.Container == nil || *first.Container != want {
		t.Errorf("the container is %+v", first.Container)
	}
	take() // page 2, after page 1
	broken = true
	b.clock.Advance(time.Hour)
	if report := b.run(b.plannedBackup()); report.Count(executor.Failed) != 1 {
		t.Fatalf("a broken reading: %+v", report.Entries)
	}
	broken = false
	last := take() // page 4, after page 2: what failed is read again
	if report := b.run(b.prune(last)); report.Count(executor.Done) != 1 {
		t.Fatal(report.Entries[0].Err)
	}
	take() // page 5, after page 2: what is gone is read again, as far as it is there
	if want := []string{"", "page 1", "page 2", "page 2", "page 2"}; !slices.Equal(begun, want) {
		t.Errorf("the readings began at %q, want %q", begun, want)
	}
}
