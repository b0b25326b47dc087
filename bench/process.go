package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// patience is how long a process that was asked to end may take.
const patience = 15 * time.Second

// newCommand prepares a process that leads a group of its own and is asked to end, with all its group, when ctx ends.
func newCommand(ctx context.Context, name string, arguments ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, name, arguments...)
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	command.WaitDelay = patience
	return command
}

// say runs a program and returns what it prints.
func say(ctx context.Context, name string, arguments ...string) (string, error) {
	command := newCommand(ctx, name, arguments...)
	var output bytes.Buffer
	command.Stdout = &output
	err := runQuietly(command)
	return output.String(), err
}

// runQuietly runs a command and puts what it complained of into the error.
func runQuietly(command *exec.Cmd) error {
	var complaint bytes.Buffer
	command.Stderr = &complaint
	if err := command.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(command.Path), err, lastLines(complaint.String()))
	}
	return nil
}

func lastLines(text string) string {
	const most = 2000
	text = strings.TrimSpace(text)
	return text[max(0, len(text)-most):]
}

// usage is what a run took.
type usage struct {
	wall time.Duration
	// cpu is the processor time of the last process of the pipeline and of the children that it waited for.
	cpu time.Duration
	// peak is the largest resident set, in bytes, of the last process of the pipeline (wait4's ru_maxrss, which also counts
	// the children that it waited for).
	peak int64
	// childPeak is the largest resident set, in bytes, of one of its children, as /proc showed it now and then; 0 where
	// there is no /proc.
	childPeak int64
}

// measure runs commands as a pipeline, each one's output going to the next, and waits for all of them.
func measure(ctx context.Context, pipeline ...*exec.Cmd) (usage, error) {
	complaints := make([]bytes.Buffer, len(pipeline))
	var between []*os.File
	closeAll := func() {
		for _, end := range between {
			end.Close()
		}
		between = nil
	}
	defer closeAll()
	for i, command := range pipeline {
		if command.Stderr == nil {
			command.Stderr = &complaints[i]
		}
		if i == 0 {
			continue
		}
		reader, writer, err := os.Pipe()
		if err != nil {
			return usage{}, fmt.Errorf("making a pipe: %w", err)
		}
		between = append(between, reader, writer)
		pipeline[i-1].Stdout, command.Stdin = writer, reader
	}
	// What earlier runs left to be written must not be paid for by this one.
	syscall.Sync()

	began := time.Now()
	var err error
	started := 0
	for ; started < len(pipeline) && err == nil; started++ {
		if err = pipeline[started].Start(); err != nil {
			break
		}
	}
	closeAll()
	var sampler *sampler
	if err == nil {
		sampler = sampleChildren(pipeline[len(pipeline)-1].Process.Pid)
	}
	for _, command := range pipeline[:started] {
		if err != nil {
			// What has started waits for something that will never come. It may have ended by itself just now.
			_ = command.Cancel()
		}
	}
	for i, command := range pipeline[:started] {
		if waitErr := command.Wait(); waitErr != nil {
			err = errors.Join(err, fmt.Errorf("%s: %w: %s", filepath.Base(command.Path), waitErr, lastLines(complaints[i].String())))
		}
	}
	took := usage{wall: time.Since(began)}
	if sampler != nil {
		took.childPeak = sampler.stop()
	}
	if ctx.Err() != nil {
		return usage{}, ctx.Err()
	}
	if err != nil {
		return usage{}, err
	}
	last := pipeline[len(pipeline)-1].ProcessState
	took.peak, took.cpu = peakOf(last), last.UserTime()+last.SystemTime()
	return took, nil
}

// peakOf is the largest resident set of a process that ended, in bytes.
func peakOf(state *os.ProcessState) int64 {
	rusage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return peakBytes(rusage)
}

// peakBytes converts ru_maxrss, which Linux counts in KiB and Darwin in bytes.
func peakBytes(rusage *syscall.Rusage) int64 {
	if runtime.GOOS == "darwin" {
		return int64(rusage.Maxrss)
	}
	return int64(rusage.Maxrss) * 1024
}
