package main

import (
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

// streamVersion is the version of the line format: the major part changes when a reader would break.
const streamVersion = "1.0"

// jsonLines prints objects, one per line. It is safe for concurrent use.
type jsonLines struct {
	mu sync.Mutex
}

// print writes one object: what every line has, and the body's keys.
func (j *jsonLines) print(c *cli, kind, message string, body map[string]any) {
	line := map[string]any{
		"@level": "info", "@message": message, "@timestamp": c.clock.Now().UTC().Format(time.RFC3339Nano),
		"type": kind, "format_version": streamVersion,
	}
	for key, value := range body {
		line[key] = value
	}
	data, err := json.Marshal(line, json.Deterministic(true))
	if err != nil {
		// Only values of our own making get here; one that has no JSON form is a defect to be seen.
		panic(err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	_, _ = c.stdout.Write(append(data, '\n'))
}
