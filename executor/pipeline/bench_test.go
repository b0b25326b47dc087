package pipeline

import (
	"context"
	"io"
	"syscall"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// discard is a destination that keeps nothing.
type discard struct{ *memory }

func (d discard) Create(context.Context, string, providers.CreateOptions) (providers.Upload, error) {
	return discardUpload{}, nil
}

type discardUpload struct{}

func (discardUpload) Write(p []byte) (int, error) { return len(p), nil }
func (discardUpload) Commit(context.Context, providers.Checksums) (providers.Object, error) {
	return providers.Object{}, nil
}
func (discardUpload) Abort(context.Context) error { return nil }

// processorTime is what this process has used so far.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkRun measures a whole run over a dump of 60 MB with two branches, in wall time and in processor time.
func BenchmarkRun(b *testing.B) {
	data := dump(60e6)
	for _, method := range []string{"zstd", "gzip", "none"} {
		b.Run(method, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			from := source{dumpFormat(), func(ctx context.Context, w io.Writer) error { return writePieces(ctx, w, data, 32<<10) }}
			before := processorTime()
			for b.Loop() {
				if _, err := Run(b.Context(), job(b, method, from, discard{newMemory()}, discard{newMemory()})); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric((processorTime()-before).Seconds()/float64(b.N), "cpu-s/op")
		})
	}
}
