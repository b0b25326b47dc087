package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestMeasurePipeline(t *testing.T) {
	var output counterWithTail
	last := newCommand(t.Context(), "sh", "-c", "tr a-z A-Z")
	last.Stdout = &output
	took, err := measure(t.Context(), newCommand(t.Context(), "echo", "hello"), newCommand(t.Context(), "cat"), last)
	if err != nil {
		t.Fatal(err)
	}
	if string(output.tail) != "HELLO\n" || took.wall <= 0 || took.peak <= 0 {
		t.Errorf("got %q, %+v", output.tail, took)
	}
}

func TestMeasureReportsEveryFailure(t *testing.T) {
	_, err := measure(t.Context(), newCommand(t.Context(), "sh", "-c", "echo broken >&2; exit 3"), newCommand(t.Context(), "cat"))
	if err == nil || !strings.Contains(err.Error(), "exit status 3: broken") {
		t.Errorf("got %v", err)
	}
	_, err = measure(t.Context(), newCommand(t.Context(), "yes"), newCommand(t.Context(), "/does/not/exist"))
	if err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("got %v", err)
	}
}

// TestMeasureEndsWithContext also ends the grandchildren.
func TestMeasureEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var output counterWithTail
	command := newCommand(ctx, "sh", "-c", "echo started; sleep 1000 & wait")
	command.Stdout = writerFunc(func(p []byte) (int, error) {
		cancel()
		return output.Write(p)
	})
	began := time.Now()
	if _, err := measure(ctx, command); err != context.Canceled {
		t.Errorf("got %v", err)
	}
	// The pipe from the command stays open as long as the grandchild lives: Wait would take all its patience.
	if time.Since(began) >= patience {
		t.Error("the grandchild had to be given up")
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
