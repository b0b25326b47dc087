package site

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// evidenceLines is how many lines of its log a container is allowed that is not well.
const evidenceLines = 20

// Evidence says what containers that are not well have to say for themselves. What cannot be asked is said as well.
func (s *Site) Evidence(ctx context.Context) []string {
	id, err := s.current()
	if err != nil {
		return []string{err.Error()}
	}
	active, err := s.activeConfig(ctx, id)
	if err != nil {
		// Compose may not understand its file; the containers are there all the same.
		active.call.project = s.defaultProject()
		if made, sealErr := s.sealOf(id); sealErr == nil {
			active.call.project = made.Project
		}
	}
	found, err := s.containers(ctx, active.call.project)
	if err != nil {
		return []string{err.Error()}
	}
	var lines []string
	for _, one := range found {
		declared := service{}
		if active.loaded != nil {
			declared = active.loaded.Services[one.Service]
		}
		if state, text := condition(declared, one); state != fine {
			lines = append(lines, s.evidence(ctx, one, text)...)
		}
	}
	return lines
}

// evidence is what one container has to say.
func (s *Site) evidence(ctx context.Context, one providers.Container, text string) []string {
	lines := []string{text}
	for line := range strings.Lines(strings.TrimSpace(one.HealthOutput)) {
		lines = append(lines, fmt.Sprintf("%s health check: %s", one.Service, strings.TrimRight(line, "\r\n")))
	}
	last := &lastLines{most: evidenceLines}
	if err := s.engine.Logs(ctx, one.ID, one.Started, time.Time{}, last, last); err != nil {
		return append(lines, err.Error())
	}
	for _, line := range last.lines {
		lines = append(lines, fmt.Sprintf("%s | %s", one.Service, line))
	}
	return lines
}

// lastLines keeps the last messages of a container, without their times.
type lastLines struct {
	mu    sync.Mutex
	most  int
	lines []string
}

// Write takes one message.
func (l *lastLines) Write(message []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, text, _ := bytes.Cut(message, []byte(" "))
	l.lines = append(l.lines, strings.TrimRight(string(text), "\r\n"))
	if len(l.lines) > l.most {
		l.lines = append(l.lines[:0], l.lines[len(l.lines)-l.most:]...)
	}
	return len(message), nil
}
