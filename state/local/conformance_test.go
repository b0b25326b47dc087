package local

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/statetest"
)

func TestConformance(t *testing.T) {
	statetest.Run(t, func(t *testing.T) statetest.Place {
		b := newBackend(t)
		return statetest.Place{
			Backend: b,
			Again:   func() state.Backend { return New(b.path, clock.System{}, "0.2.0") },
			Die: func(s state.Session) {
				check(t, s.(*session).lock.file.Close())
			},
			Expire: func(t *testing.T) { nameDead(t, b) },
			Spoil: func(t *testing.T) {
				rewrite("", func(s string) string { return strings.Replace(s, "database", "databank", 1) })(t, b)
			},
			Future: func(t *testing.T) {
				rewrite("", func(s string) string { return strings.Replace(s, `"version":1`, `"version":2`, 1) })(t, b)
			},
		}
	})
}

// nameDead lets the record of the lock name a process of this machine that is gone. No process has the highest possible number,
// 2^22 on Linux.
func nameDead(t *testing.T, b *Backend) {
	t.Helper()
	host, err := os.Hostname()
	check(t, err)
	rewrite(lockSuffix, func(s string) string {
		s = strings.Replace(s, fmt.Sprintf(`"pid":%d`, os.Getpid()), `"pid":4194304`, 1)
		return strings.Replace(s, `"host":"vm"`, fmt.Sprintf(`"host":%q`, host), 1)
	})(t, b)
}
