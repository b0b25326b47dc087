// Package destinationtest is the contract of providers.Destination in executable form: a suite that every destination must pass.
package destinationtest

import (
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// Option adapts the suite to what a store, or the stand-in for one, can be made to show.
type Option func(*suite)

// Reopen gives the suite a way to see a destination's store as another process would: reopen returns a new Destination on
// the store of the given one. Without it, what a process leaves when it dies is not tested.
func Reopen(reopen func(*testing.T, providers.Destination) providers.Destination) Option {
	return func(s *suite) { s.reopen = reopen }
}

// Without leaves out one of the tests, by the name it has in the output, because of what the store is: no machine could run it.
// The reason is logged.
func Without(name, reason string) Option {
	return func(s *suite) { s.without[name] = reason }
}

// Refuses says that a store cannot tell keys with a character from others. They must then be refused.
func Refuses(character string) Option {
	return func(s *suite) { s.refused = character }
}

// suite is one run against one kind of destination.
type suite struct {
	open   func(*testing.T) providers.Destination
	reopen func(*testing.T, providers.Destination) providers.Destination
	// without are reasons by the name of a test.
	without map[string]string
	// refused is a character that keys may not have, empty when they may have all.
	refused string
}

// Run runs the suite. Every call of open returns a destination on an empty store of its own, which open has removed when
// its test ends.
func Run(t *testing.T, open func(t *testing.T) providers.Destination, options ...Option) {
	s := &suite{open: open, without: make(map[string]string)}
	for _, option := range options {
		option(s)
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"RoundTrip", testRoundTrip},
		{"Empty", testEmpty},
		{"Large", testLarge},
		{"Invisible", testInvisible},
		{"Describe", testDescribe},
		{"SecondCommit", testSecondCommit},
		{"WrongSums", testWrongSums},
		{"Abort", testAbort},
		{"AbortAfterCommit", testAbortAfterCommit},
		{"AbortAfterCancel", testAbortAfterCancel},
		{"Exists", testExists},
		{"Replace", testReplace},
		{"ReplaceAborted", testReplaceAborted},
		{"ReadWhileReplaced", testReadWhileReplaced},
		{"Delete", testDelete},
		{"DeleteReplaced", testDeleteReplaced},
		{"Missing", testMissing},
		{"ListOrder", testListOrder},
		{"ListMany", testListMany},
		{"ListStops", testListStops},
		{"Keys", testKeys},
		{"IllegalKeys", testIllegalKeys},
		{"Contexts", testContexts},
		{"Concurrent", testConcurrent},
		{"SameKey", testSameKey},
		{"Progress", testProgress},
		{"Crash", testCrash},
		{"RemoveRemnant", testRemoveRemnant},
		{"Status", testStatus},
	} {
		if reason, left := s.without[test.name]; left {
			t.Logf("without %s: %s", test.name, reason)
			continue
		}
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, s)
		})
	}
}
