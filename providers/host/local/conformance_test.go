package local_test

import (
	"io"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/hosttest"
	"github.com/castrolanda/imsctl/providers/host/local"
)

func TestConformance(t *testing.T) {
	hosttest.Run(t, local.New())
}

func TestStandardErrorAloneMayBeHeldOpen(t *testing.T) {
	t.Parallel()
	quiet := providers.Command{Arguments: []string{"sh", "-c", `sleep 1000 >/dev/null & echo done`}, Stdout: io.Discard}
	if err := local.New().Run(t.Context(), quiet); err != nil {
		t.Error(err)
	}
}
