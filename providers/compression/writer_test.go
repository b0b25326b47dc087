package compression

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// sealXZHeader renews the checksum of a block header.
func sealXZHeader(header []byte) {
	end := len(header) - 4
	binary.LittleEndian.PutUint32(header[end:], crc32.ChecksumIEEE(header[:end]))
}

var errDisk = errors.New("no space left on device")

// failingWriter takes some bytes, fails once, and then would take more: whoever forgets the error leaves a hole.
type failingWriter struct {
	left   int
	failed bool
	after  int
}

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.failed {
		f.after += len(p)
		return len(p), nil
	}
	if len(p) > f.left {
		f.failed = true
		return f.left, errDisk
	}
	f.left -= len(p)
	return len(p), nil
}

// settled waits until no more goroutines run than before.
func settled(t *testing.T, before int) {
	t.Helper()
	for range 500 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	stacks := make([]byte, 1<<20)
	t.Fatalf("%d goroutines run, before there were %d:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
}

func TestWriterErrors(t *testing.T) {
	input := noise(1_300_000)
	before := runtime.NumGoroutine()
	for _, method := range append(formats(), "none") {
		data := input
		if method == "xz" || method == "bzip2" {
			data = input[:150_000]
		}
		for _, left := range []int{0, 1, 9, 10, 11, 13, 5000, len(data) / 2, len(data) - 100, len(data)} {
			t.Run(fmt.Sprintf("%s after %d", method, left), func(t *testing.T) {
				out := &failingWriter{left: left}
				err := writeAll(mustCodec(t, method, providers.DefaultLevel), out, data)
				if !out.failed {
					if err != nil {
						t.Fatal(err)
					}
					return
				}
				if !errors.Is(err, errDisk) {
					t.Errorf("error %v, want %v", err, errDisk)
				}
				if out.after > 0 {
					t.Errorf("%d bytes were written after the error", out.after)
				}
			})
		}
	}
	settled(t, before)
}

// writeAll writes data and checks that the writer says the same after its first error as before.
func writeAll(codec providers.Codec, out io.Writer, data []byte) error {
	writer, err := codec.NewWriter(out)
	if err != nil {
		return err
	}
	var first error
	for len(data) > 0 && first == nil {
		n := min(70_000, len(data))
		_, first = writer.Write(data[:n])
		data = data[n:]
	}
	if first != nil {
		if _, err := writer.Write([]byte{1}); !errors.Is(err, first) {
			return fmt.Errorf("a write after the error gives %v", err)
		}
	}
	closing := writer.Close()
	if first != nil && !errors.Is(closing, first) {
		return fmt.Errorf("closing after the error gives %v", closing)
	}
	if again := writer.Close(); again != closing {
		return fmt.Errorf("closing again gives %v instead of %v", again, closing)
	}
	if _, err := writer.Write([]byte{1}); err == nil {
		return errors.New("a write after Close succeeds")
	}
	return closing
}

// Giving a stream up half way leaves no goroutine either, in both directions.
func TestAbandonedStreams(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, method := range formats() {
		codec := mustCodec(t, method, 1)
		out := &failingWriter{left: 1 << 30}
		writer, err := codec.NewWriter(out)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := writer.Write(noise(200_000)); err != nil {
			t.Fatal(err)
		}
		if err := writer.Close(); err != nil {
			t.Fatal(err)
		}
		pipe, feed := io.Pipe()
		reader, err := codec.NewReader(pipe)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			_, _ = feed.Write(compress(t, codec, dump(300_000)))
		}()
		if _, err := reader.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
		if err := pipe.Close(); err != nil {
			t.Fatal(err)
		}
	}
	settled(t, before)
}

// A stream of any length takes the same memory.
func TestMemoryIsBounded(t *testing.T) {
	piece := dump(1 << 20)
	// Blocks on their way and what has become of them, for each processor, besides the decoder.
	most := int64(32+16*runtime.GOMAXPROCS(0)) << 20
	for _, method := range []string{"gzip", "zstd"} {
		codec := mustCodec(t, method, providers.DefaultLevel)
		before := liveHeap()
		source, sink := io.Pipe()
		writer, err := codec.NewWriter(sink)
		if err != nil {
			t.Fatal(err)
		}
		reader, err := codec.NewReader(source)
		if err != nil {
			t.Fatal(err)
		}
		written := make(chan error, 1)
		go func() {
			var err error
			for i := 0; i < 32 && err == nil; i++ {
				_, err = writer.Write(piece)
				if used := liveHeap() - before; i%8 == 7 && used > most {
					t.Errorf("%s uses %d MiB after %d MiB", method, used>>20, i+1)
				}
			}
			written <- errors.Join(err, writer.Close(), sink.Close())
		}()
		n, err := io.Copy(io.Discard, reader)
		if err := errors.Join(err, <-written, reader.Close()); err != nil {
			t.Fatal(err)
		}
		if n != 32<<20 {
			t.Errorf("%s: %d bytes came out", method, n)
		}
	}
}

// liveHeap is how many bytes are in use, garbage excluded.
func liveHeap() int64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int64(stats.HeapAlloc)
}
