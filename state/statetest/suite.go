// Package statetest is the suite that every backend of the state passes: what state.Backend and its companions promise,
// with the faults that each kind of backend knows.
package statetest

import (
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/state"
)

// Place is where the tests of one state take place: one that is new for each test.
type Place struct {
	// Backend is the state's. Each call of Again is that of another process.
	Backend state.Backend
	Again   func() state.Backend
	// Die does to a session what the death of its process does: the lock is not given back, and nobody renews it.
	Die func(state.Session)
	// Expire makes the lock of a session that died one that the backend knows to be dead; nil where it is that at once.
	Expire func(t *testing.T)
	// Steal takes the lock away from its holder, who lives: nil where that cannot be done.
	Steal func(t *testing.T)
	// Spoil alters the stored state, of which one session has recorded something; Future makes it one of a newer version.
	Spoil, Future func(t *testing.T)
}

// Run runs the suite. Each test gets a place of its own.
func Run(t *testing.T, open func(t *testing.T) Place) {
	for _, test := range append([]suiteTest{
		{"Empty", testEmpty},
		{"Life", testLife},
		{"Refused", testRefused},
		{"Contexts", testContexts},
		{"Lock", testLock},
		{"Waiting", testWaiting},
		{"Holder", testHolder},
		{"Death", testDeath},
		{"Unlock", testUnlock},
		{"Fencing", testFencing},
		{"FencingLate", testFencingLate},
		{"Replace", testReplace},
		{"Unchanged", testUnchanged},
		{"Damage", testDamage},
		{"Newer", testNewer},
		{"Concurrency", testConcurrency},
		{"Sessions", testSessions},
		{"Readers", testReaders},
	}, claimTests...) {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			place := open(t)
			if _, claims := place.Backend.(state.Claimer); !claims && strings.HasPrefix(test.name, "Claim") {
				return // no test: such a state is changed by one at a time
			}
			test.run(t, place)
		})
	}
}

// suiteTest is one test of the suite.
type suiteTest struct {
	name string
	run  func(t *testing.T, place Place)
}
