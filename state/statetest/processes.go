package statetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

// AppliesVariable is the environment variable that says how many applies each of the processes makes at once; few without it.
const AppliesVariable = "IMSCTL_TEST_APPLIES"

// usualApplies is how many without it.
const usualApplies = 5

// childVariable makes a process of a test one that applies: the first number, how many, and the place, with spaces between them.
const childVariable = "IMSCTL_TEST_APPLYING"

// Main runs the tests of a package, or is the process that TwoProcesses starts. open makes the backend of a place.
func Main(m *testing.M, open func(place string) (state.Backend, error)) {
	given := os.Getenv(childVariable)
	if given == "" {
		os.Exit(m.Run())
	}
	if err := child(given, open); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child makes the applies of one process.
func child(given string, open func(place string) (state.Backend, error)) error {
	fields := strings.SplitN(given, " ", 3)
	if len(fields) < 3 {
		return errors.New("what is to be applied is not known")
	}
	first, err := strconv.Atoi(fields[0])
	if err != nil {
		return err
	}
	count, err := strconv.Atoi(fields[1])
	if err != nil {
		return err
	}
	if _, err := open(fields[2]); err != nil {
		return err
	}
	return Applies(context.Background(), func() state.Backend {
		backend, _ := open(fields[2])
		return backend
	}, first, count)
}

// TwoProcesses lets two processes make applies at once in a place, and holds that nothing of any of them is lost.
func TwoProcesses(t *testing.T, place string, backend state.Backend) {
	t.Helper()
	count := usualApplies
	if given := os.Getenv(AppliesVariable); given != "" {
		var err error
		if count, err = strconv.Atoi(given); err != nil {
			t.Fatalf("%s: %v", AppliesVariable, err)
		}
	}
	var group sync.WaitGroup
	for process := range 2 {
		group.Go(func() {
			command := exec.CommandContext(t.Context(), os.Args[0])
			command.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %s", childVariable, process*count, count, place))
			if said, err := command.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v: %s", process, err, said)
			}
		})
	}
	group.Wait()
	document := read(t, backend)
	if len(document.Artifacts) != 2*count || document.Serial != uint64(4*count) || len(document.Intents) != 0 {
		t.Errorf("%d artifacts, serial %d, %d intents after %d applies", len(document.Artifacts), document.Serial, len(document.Intents), 2*count)
	}
	for i := range 2 * count {
		if !slices.ContainsFunc(document.Artifacts, func(made *state.Artifact) bool { return strings.HasSuffix(made.ID, fmt.Sprintf("-%06d", i)) }) {
			t.Errorf("what apply %d has recorded is lost", i)
		}
	}
}
