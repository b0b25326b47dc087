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

// WithoutSignals says that of a command which a signal ended only the status is told that a shell gives it.
func WithoutSignals() Option { return func(s *suite) { s.signals = false } }

// WithProcesses says how to find out whether a process lives whose number commands see.
func WithProcesses(alive func(t *testing.T, pid int) bool) Option {
	return func(s *suite) { s.alive = alive }
}

// suite is one run against one kind of host.
type suite struct {
	runner  providers.Runner
	host    providers.Host // nil where only commands are held to the contract
	inodes  bool
	signals bool
	alive   func(t *testing.T, pid int) bool
}

// test is one part of the suite.
type test struct {
	name string
	run  func(*testing.T, *suite)
}

// Run runs the suite against a host.
func Run(t *testing.T, host providers.Host, options ...Option) {
	(&suite{runner: host, host: host}).run(t, options, append(commandTests(), fileTests()...))
}

// RunCommands runs the part of the suite that is about commands: the contract of providers.Runner. Where they run must have
// the temporary folder of this machine under the same path.
func RunCommands(t *testing.T, runner providers.Runner, options ...Option) {
	(&suite{runner: runner}).run(t, options, commandTests())
}

func (s *suite) run(t *testing.T, options []Option, tests []test) {
	s.inodes, s.signals, s.alive = true, true, alive
	for _, option := range options {
		option(s)
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

func commandTests() []test {
	return []test{
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
	}
}

func fileTests() []test {
	return []test{
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
	}
}
