package state_test

import (
	"testing"

	"github.com/castrolanda/imsctl/state"
)

func TestDescribeHolders(t *testing.T) {
	holders := []state.LockInfo{{Operation: "apply", User: "ann"}, {Operation: "drill", User: "bob"}, {Operation: "deploy"}, {}, {}}
	for count, want := range []string{
		"",
		`"imsctl apply" of ann`,
		`"imsctl apply" of ann and "imsctl drill" of bob`,
		`"imsctl apply" of ann, "imsctl drill" of bob and "imsctl deploy"`,
		`"imsctl apply" of ann, "imsctl drill" of bob, "imsctl deploy" and 1 more`,
		`"imsctl apply" of ann, "imsctl drill" of bob, "imsctl deploy" and 2 more`,
	} {
		if got := state.DescribeHolders(holders[:count]); got != want {
			t.Errorf("%d: %s", count, got)
		}
	}
}
