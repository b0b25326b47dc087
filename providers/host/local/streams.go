package local

import (
	"fmt"
	"os"
	"os/exec"

	"github.com/castrolanda/imsctl/providers"
)

// streams are the pipes of a command: our ends by name, theirs to be closed once the command has them.
type streams struct {
	stdin, stdout, stderr *os.File
	theirs                []*os.File
}

// connect makes the pipes a command needs. A stream nobody is interested in is the null device, except standard error,
// whose last words are always kept.
func connect(cmd *exec.Cmd, command providers.Command) (*streams, error) {
	s := &streams{}
	if command.Stdin != nil {
		theirs, ours, err := os.Pipe()
		if err != nil {
			return nil, s.giveUp(err)
		}
		cmd.Stdin, s.stdin = theirs, ours
		s.theirs = append(s.theirs, theirs)
	}
	if command.Stdout != nil {
		ours, theirs, err := os.Pipe()
		if err != nil {
			return nil, s.giveUp(err)
		}
		widen(ours)
		cmd.Stdout, s.stdout = theirs, ours
		s.theirs = append(s.theirs, theirs)
	}
	ours, theirs, err := os.Pipe()
	if err != nil {
		return nil, s.giveUp(err)
	}
	cmd.Stderr, s.stderr = theirs, ours
	s.theirs = append(s.theirs, theirs)
	return s, nil
}

func (s *streams) giveUp(err error) error {
	s.closeTheirs()
	s.closeOurs()
	return fmt.Errorf("making its pipes: %w", err)
}

func (s *streams) closeTheirs() {
	for _, file := range s.theirs {
		file.Close()
	}
}

func (s *streams) closeOurs() {
	for _, file := range []*os.File{s.stdin, s.stdout, s.stderr} {
		if file != nil {
			file.Close()
		}
	}
}
