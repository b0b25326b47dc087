package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// event is a line of "go test -json" (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Output  string
}

// summary collects the events of a run.
type summary struct {
	out      io.Writer
	packages map[string]*testedPackage
	// skips are the names of the skipped tests by reason.
	skips   map[string][]string
	skipped int
	tests   int
	failed  int
	// repeats are the lines of repeatable; hopeless is set when a package failed in a way that no second run could excuse.
	repeats  []string
	hopeless bool
}

// testedPackage is what is known of a package whose tests still run.
type testedPackage struct {
	output []output
	// results are the last actions of the tests that are over.
	results map[string]string
}

// output is a line that a test printed, or the package as a whole where test is empty.
type output struct{ test, text string }

func newSummary(out io.Writer) *summary {
	return &summary{out: out, packages: make(map[string]*testedPackage), skips: make(map[string][]string)}
}

// read takes all events. Lines that are none are shown as they are.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			s.take(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the output of go test: %w", err)
		}
	}
}

func (s *summary) take(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(s.out, line)
		return
	}
	if e.Package == "" {
		// What the compiler says has no package.
		fmt.Fprint(s.out, e.Output)
		return
	}
	p := s.packages[e.Package]
	if p == nil {
		p = &testedPackage{results: make(map[string]string)}
		s.packages[e.Package] = p
	}
	switch e.Action {
	case "output":
		if !isProtocol(e.Output) {
			p.output = append(p.output, output{e.Test, e.Output})
		}
	case "pass", "fail", "skip":
		if e.Test == "" {
			s.finish(p, e.Action == "fail")
			if e.Action == "fail" {
				s.noteFailure(e.Package, p)
			}
			delete(s.packages, e.Package)
			return
		}
		p.results[e.Test] = e.Action
		s.count(p, e)
	}
}

// isProtocol reports whether a line only tells which test runs now.
func isProtocol(line string) bool {
	return slices.ContainsFunc([]string{"=== RUN ", "=== PAUSE ", "=== CONT ", "=== NAME "}, func(prefix string) bool {
		return strings.HasPrefix(line, prefix)
	})
}

// count notes the end of a test.
func (s *summary) count(p *testedPackage, e event) {
	s.tests++
	switch {
	case e.Action == "fail":
		s.failed++
	case e.Action == "skip" && !isFuzzInput(e.Test):
		reason := p.skipReason(e.Test)
		s.skips[reason] = append(s.skips[reason], e.Test)
		s.skipped++
	}
}

// isFuzzInput reports whether a test is one input of a fuzz test: skipping there means that the input is of no interest.
func isFuzzInput(test string) bool {
	return strings.HasPrefix(test, "Fuzz") && strings.Contains(test, "/")
}

// position is where testing says that a line was printed: "    file.go:12: ".
var position = regexp.MustCompile(`^\s*[^\s:]+\.go:\d+: `)

// skipReason is the last thing that a skipped test said.
func (p *testedPackage) skipReason(test string) string {
	for _, o := range slices.Backward(p.output) {
		if o.test == test && position.MatchString(o.text) {
			return strings.TrimSpace(position.ReplaceAllString(o.text, ""))
		}
	}
	return "no reason given"
}

// finish shows a package that is over: its own lines, and before them, when it failed, what the failed tests and those
// that never ended printed.
func (s *summary) finish(p *testedPackage, failed bool) {
	for _, o := range p.output {
		result := p.results[o.test]
		if failed && o.test != "" && result != "pass" && result != "skip" {
			fmt.Fprint(s.out, o.text)
		}
	}
	for _, o := range p.output {
		if o.test == "" && (failed || isVerdict(o.text)) {
			fmt.Fprint(s.out, o.text)
		}
	}
}

// isVerdict reports whether a line of a package that succeeded is worth showing.
func isVerdict(line string) bool {
	return strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "?  ") || strings.HasPrefix(line, "testing: warning")
}

// grave are the marks of failures that are bugs whatever a second run says.
var grave = []string{"WARNING: DATA RACE", "panic: ", "fatal error: "}

// noteFailure decides whether the failed tests of a package may be run again. They may where each of them ended by itself:
// no race, no panic, no time-out, no exit of the whole process, and the package compiled.
func (s *summary) noteFailure(name string, p *testedPackage) {
	var tests []string
	for test, result := range p.results {
		if result == "fail" && !strings.Contains(test, "/") {
			tests = append(tests, test)
		}
	}
	ended := len(p.results) > 0
	for _, o := range p.output {
		if o.test != "" && p.results[o.test] == "" {
			ended = false
		}
		if slices.ContainsFunc(grave, func(mark string) bool { return strings.Contains(o.text, mark) }) {
			ended = false
		}
	}
	if len(tests) == 0 || !ended {
		s.hopeless = true
		return
	}
	slices.Sort(tests)
	s.repeats = append(s.repeats, fmt.Sprintf("%s ^(%s)$\n", name, strings.Join(tests, "|")))
}

// mostRepeats is how many packages may be run again: more failures than that are no accident.
const mostRepeats = 3

// repeatable says what may be run again: a line for each package, with a pattern of its failed tests. It is empty when
// nothing failed, or when something did that a second run cannot excuse.
func (s *summary) repeatable() string {
	if s.hopeless || len(s.repeats) > mostRepeats {
		return ""
	}
	slices.Sort(s.repeats)
	return strings.Join(s.repeats, "")
}

// conclusion is the last line.
func (s *summary) conclusion() string {
	line := fmt.Sprintf("Tests: %d, failed: %d, skipped: %d", s.tests, s.failed, s.skipped)
	var reasons []string
	for reason, tests := range s.skips {
		reasons = append(reasons, fmt.Sprintf("%s (%s)", reason, strings.Join(tests, ", ")))
	}
	slices.Sort(reasons)
	if len(reasons) > 0 {
		line += " — " + strings.Join(reasons, "; ")
	}
	return line + "."
}
