package providers

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Program is the name of the command's program, without the folder. A command without one is an error.
func (c Command) Program() (string, error) {
	if len(c.Arguments) == 0 {
		return "", errors.New("running a command: it names no program")
	}
	return path.Base(c.Arguments[0]), nil
}

// RunError is what Run of a Runner says of a failure: an *ExitError as it is, everything else with what was run and where ("on vm").
func RunError(program, where string, err error) error {
	var exit *ExitError
	if err == nil || errors.As(err, &exit) {
		return err
	}
	return fmt.Errorf("running %s %s: %w", program, where, err)
}

// Error says which program ended how, with the last thing it said.
func (e *ExitError) Error() string {
	how := fmt.Sprintf("exit status %d", e.Code)
	if e.Signal != "" {
		how = "killed by " + e.Signal
	}
	said := strings.TrimSpace(e.Stderr)
	if said == "" {
		return fmt.Sprintf("%s: %s", e.Program, how)
	}
	return fmt.Sprintf("%s: %s: %s", e.Program, how, said)
}
