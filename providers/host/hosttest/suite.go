// Package hosttest is the contract of providers.Host in executable form: a suite that every host must pass. The host must be
// this machine, reached in whatever way: the suite makes folders here and looks for processes here.
package hosttest

import (
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// Option adapts the suite to what a way to a host can show.
type Option func(*suite)

// WithoutInodes says that files do not show which of them are one and the same.
func WithoutInodes() Option { return func(s *suite) { s.inodes = false } }

// suite is one run against one kind of host.
type suite struct {
	host   providers.Host
	inodes bool
}

// Run runs the suite against a host.
func Run(t *testing.T, host providers.Host, options ...Option) {
	s := &suite{host: host, inodes: true}
	for _, option := range options {
		option(s)
	}
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"Streams", testStreams},
		{"Ending", testEnding},
		{"LastWords", testLastWords},
		{"Refused", testRefused},
		{"LookPath", testLookPath},
		{"OddCharacters", testOddCharacters},
		{"SecretsAreNotShown", testSecretsAreNotShown},
		{"EveryByte", testEveryByte},
		{"StopsReading", testStopsReading},
		{"Combined", testCombined},
		{"Concurrent", testConcurrent},
		{"Cancel", testCancel},
		{"CancelCause", testCancelCause},
		{"NoChildLeft", testNoChildLeft},
		{"HeldOpen", testHeldOpen},
		{"LeftTheGroup", testLeftTheGroup},
		{"WriterFails", testWriterFails},
		{"BrokenInput", testBrokenInput},
		{"WholeInput", testWholeInput},
		{"CancelledInput", testCancelledInput},
		{"Create", testCreate},
		{"Open", testOpen},
		{"ReadDir", testReadDir},
		{"Names", testNames},
		{"Nameless", testNameless},
		{"Folders", testFolders},
		{"Large", testLarge},
		{"Vanishing", testVanishing},
		{"Writable", testWritable},
		{"Sockets", testSockets},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}
