package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sampleEvery is how often the children of a process are looked at.
const sampleEvery = 100 * time.Millisecond

// sampler watches the children of a process.
type sampler struct {
	end  chan struct{}
	peak chan int64
}

// sampleChildren begins to watch the direct children of a process.
func sampleChildren(parent int) *sampler {
	s := &sampler{end: make(chan struct{}), peak: make(chan int64)}
	go func() {
		var peak int64
		ticker := time.NewTicker(sampleEvery)
		defer ticker.Stop()
		for {
			select {
			case <-s.end:
				s.peak <- peak
				return
			case <-ticker.C:
				for _, child := range children(parent) {
					peak = max(peak, highWater(child))
				}
			}
		}
	}()
	return s
}

// stop ends the watching and returns the largest resident set that was seen, in bytes.
func (s *sampler) stop() int64 {
	close(s.end)
	return <-s.peak
}

// children lists the direct children of a process, of all its threads.
func children(parent int) []string {
	lists, err := filepath.Glob("/proc/" + strconv.Itoa(parent) + "/task/*/children")
	if err != nil {
		return nil
	}
	var found []string
	for _, list := range lists {
		// A thread that ended meanwhile has no children.
		if text, err := os.ReadFile(list); err == nil {
			found = append(found, strings.Fields(string(text))...)
		}
	}
	return found
}

// highWater is the largest resident set that a process ever had, in bytes (VmHWM, proc(5)).
func highWater(process string) int64 {
	text, err := os.ReadFile("/proc/" + process + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			if err != nil {
				return 0
			}
			return kib * 1024
		}
	}
	return 0
}
