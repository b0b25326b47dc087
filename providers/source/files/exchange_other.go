//go:build !linux

package files

import "path/filepath"

func (h here) exchange(folder, other string) error {
	return h.exchangeInSteps(folder, other, filepath.Join(filepath.Dir(folder), "old", "replaced"))
}
