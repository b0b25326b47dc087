package site

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// containers are those of the project, without what "docker compose run" made.
func (s *Site) containers(ctx context.Context, project string) ([]providers.Container, error) {
	all, err := s.engine.Find(ctx, "*")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(one providers.Container) bool { return one.Project != project || one.OneOff }), nil
}

// start identifies one start of a container.
type start struct {
	Started time.Time `json:"started"`
	// Releases are those whose files the container may see: the link is followed when a container starts, and not again.
	Releases []string `json:"releases"`
}

// starts are the containers of the project that were seen, by their identification.
type starts map[string]start

// startsFile is where it is remembered.
func (s *Site) startsFile() string { return s.meta("starts.json") }

// knownStarts is what was seen before.
func (s *Site) knownStarts() (starts, error) {
	text, err := s.read(s.startsFile(), longestRecord)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return parseStarts(text)
}

// observe notes which releases the containers of a project may see: what started since the last look, one of these.
func (s *Site) observe(found []providers.Container, releases ...string) error {
	known, err := s.knownStarts()
	if err != nil {
		return err
	}
	now := make(starts, len(found))
	for _, one := range found {
		seen, ok := known[one.ID]
		switch {
		case ok && seen.Started.Equal(one.Started):
			now[one.ID] = seen
		case !ok && len(releases) > 0:
			// Made since: by then the link was switched.
			now[one.ID] = start{one.Started, releases[len(releases)-1:]}
		default:
			now[one.ID] = start{one.Started, releases}
		}
	}
	return s.writeJSON(s.startsFile(), now)
}

// note is observe where there must be a way on with a full disk: what could not be noted is found at the next look, before the link moves.
func (s *Site) note(found []providers.Container, releases ...string) error {
	if err := s.observe(found, releases...); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}

// changedServices are the services of which a container is new, or was started again.
func changedServices(before, after []providers.Container) []string {
	started := make(map[string]time.Time, len(before))
	for _, one := range before {
		started[one.ID] = one.Started
	}
	var list []string
	for _, one := range after {
		if at, ok := started[one.ID]; !ok || !at.Equal(one.Started) {
			list = append(list, one.Service)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// verdict is what the containers of a project say of it: what is in a bad way and will stay so, and what may still come right.
type verdict struct{ bad, waiting []string }

// well reports whether all is as it should be.
func (v verdict) well() bool { return len(v.bad) == 0 && len(v.waiting) == 0 }

// judge compares containers with the services that should run.
func judge(loaded *config, found []providers.Container) verdict {
	var v verdict
	for _, name := range loaded.names() {
		declared, good := loaded.Services[name], 0
		for _, one := range found {
			if one.Service != name {
				continue
			}
			state, text := condition(declared, one)
			switch state {
			case fine:
				good++
			case broken:
				v.bad = append(v.bad, text)
			case unsettled:
				v.waiting = append(v.waiting, text)
				good++
			}
		}
		if missing := declared.replicas() - good; missing > 0 && len(v.bad) == 0 {
			v.waiting = append(v.waiting, fmt.Sprintf("%s has %d of %d containers", name, good, declared.replicas()))
		}
	}
	return v
}

// wellness is how a container does.
type wellness int

const (
	fine wellness = iota
	unsettled
	broken
)

// condition says how a container of a service does.
func condition(declared service, one providers.Container) (wellness, string) {
	name := one.Service
	switch one.State {
	case "running":
		switch one.Health {
		case "unhealthy":
			return broken, withOutput(name+" is unhealthy", one.HealthOutput)
		case "starting":
			return unsettled, withOutput(name+" is not healthy yet", one.HealthOutput)
		}
		return fine, ""
	case "exited":
		switch {
		case one.ExitCode == 0 && declared.oneShot():
			return fine, ""
		case declared.oneShot():
			return broken, fmt.Sprintf("%s ended with exit status %d", name, one.ExitCode)
		}
		return unsettled, fmt.Sprintf("%s is exited with status %d", name, one.ExitCode)
	case "paused", "dead":
		return broken, name + " is " + one.State
	}
	return unsettled, name + " is " + one.State
}

// withOutput adds what a health check printed last.
func withOutput(text, output string) string {
	if line := lastLine(output); line != "" {
		return text + ": " + line
	}
	return text
}

// lastLine is the last line of a text that is not empty, cut where it is very long.
func lastLine(text string) string {
	const longest = 300
	text = strings.TrimSpace(text)
	text = strings.TrimSpace(text[strings.LastIndexByte(text, '\n')+1:])
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

// parseStarts reads what was seen before.
func parseStarts(text []byte) (starts, error) {
	var known starts
	if err := json.Unmarshal(text, &known); err != nil {
		return nil, fmt.Errorf("what is remembered of the starts of containers is damaged: %w", err)
	}
	return known, nil
}
