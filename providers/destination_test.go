package providers_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

func TestLasting(t *testing.T) {
	busy := fmt.Errorf("%w: the store answered 503", providers.ErrTemporary)
	if got := providers.Lasting(busy); errors.Is(got, providers.ErrTemporary) || got.Error() != "the store answered 503" {
		t.Error(got)
	}
	for _, err := range []error{nil, providers.ErrDenied} {
		if got := providers.Lasting(err); got != err {
			t.Errorf("%v became %v", err, got)
		}
	}
}
