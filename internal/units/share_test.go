package units_test

import (
	"testing"

	"github.com/castrolanda/imsctl/internal/units"
)

func TestSmaller(t *testing.T) {
	for _, test := range []struct {
		raw, stored int64
		want        string
	}{
		{1000, 720, "28 % smaller"},
		{1000, 714, "29 % smaller"},
		{1000, 716, "28 % smaller"},
		{1000, 1000, ""},
		{1000, 996, ""},
		{1000, 990, "1 % smaller"},
		{1000, 1100, ""},
		{1 << 30, 1, "99 % smaller"},
		{1000, 0, "100 % smaller"},
		{0, 20, ""},
	} {
		if got := units.Smaller(test.raw, test.stored); got != test.want {
			t.Errorf("%d of %d: %q, want %q", test.stored, test.raw, got, test.want)
		}
	}
}
