package main

import (
	"io"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/castrolanda/imsctl/internal/clock"
)

// streamVersion is the version of the line format: the major part changes when a reader would break.
const streamVersion = "1.0"

// The levels of a line.
const (
	levelInfo  = "info"
	levelWarn  = "warn"
	levelError = "error"
)

// jsonLines writes objects, one per line. It is safe for concurrent use.
type jsonLines struct {
	w     io.Writer
	clock clock.Clock

	mu sync.Mutex
	// err is the first error of w: nothing is written after it.
	err error
}

// print writes one object: what every line has, and the body's keys.
func (j *jsonLines) print(level, kind, message string, body map[string]any) {
	line := map[string]any{
		"@level": level, "@message": message, "@timestamp": j.clock.Now().UTC().Format(time.RFC3339Nano),
		"type": kind, "format_version": streamVersion,
	}
	for key, value := range body {
		line[key] = value
	}
	data, err := json.Marshal(line, json.Deterministic(true))
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.err == nil && err == nil {
		_, err = j.w.Write(append(data, '\n'))
	}
	if j.err == nil {
		j.err = err
	}
}

// failure is the first error, or nil.
func (j *jsonLines) failure() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.err
}
