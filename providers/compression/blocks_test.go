package compression

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"testing"
	"testing/synctest"
)

// shapes are streams around the limits of blocks of a size.
func shapes(size int) map[string][]byte {
	text := dump(2*size + size/2)
	mixed := append(bytes.Clone(text[:size+size/2]), noise(size+size/2)...)
	sparse := make([]byte, 2*size+100)
	for i := range sparse {
		if i%(size/3) == 0 {
			sparse[i] = byte(i) | 1
		}
	}
	return map[string][]byte{
		"nothing": {}, "one byte": {'x'}, "a block less one": text[:size-1], "a block": text[:size], "a block and one": text[:size+1],
		"two blocks": text[:2*size], "blocks and a half": text, "zeros": make([]byte, 2*size+1), "sparse": sparse, "noise": noise(2*size + 1),
		"text, then noise": mixed, "noise, then text": append(noise(size+size/2), text[:size]...),
	}
}

// way is one way of writing a format.
type way struct {
	name  string
	size  int
	codec *codec
}

// ways are the codecs with the reference tools and in Go alone, in blocks so small that tests need no large streams.
func ways(t testing.TB) []way {
	t.Helper()
	var list []way
	for _, test := range []struct {
		method      string
		level, size int
	}{{"gzip", 1, gzipBlock}, {"gzip", 9, gzipBlock}, {"zstd", 1, zstdBlock},
		{"xz", 1, xzBlockSize(smallDictionary)}, {"bzip2", 1, bzip2Blocks * (bzip2Unit - 20)}} {
		tools := []*program{nil}
		if tool := newTool(test.method); tool != nil {
			tools = []*program{tool, noProgram()}
		}
		for _, tool := range tools {
			name := fmt.Sprintf("%s %d", test.method, test.level)
			if tool != nil && tool.installed() {
				name += " by the program"
			}
			list = append(list, way{name, test.size, &codec{method: smallMethod(test.method, tool), level: test.level}})
		}
	}
	return list
}

// smallDictionary makes small blocks of xz.
const smallDictionary = 64 << 10

func smallMethod(name string, tool *program) method {
	switch name {
	case "zstd":
		return zstdMethod(tool)
	case "bzip2":
		return bzip2Method(tool)
	case "xz":
		small := xzMethod(tool)
		small.newWriter = func(ctx context.Context, w io.Writer, level int) (io.WriteCloser, error) {
			return newXZBlocks(ctx, w, level, smallDictionary, tool), nil
		}
		return small
	}
	return gzipMethod()
}

// newTool is the tool that a method uses, nil for none.
func newTool(method string) *program {
	switch method {
	case "zstd":
		return zstdProgram()
	case "xz":
		return xzProgram()
	case "bzip2":
		return bzip2Program()
	}
	return nil
}

// noProgram is a tool that is not installed.
func noProgram() *program {
	return &program{name: "none", find: func() (string, string) { return "", "" }}
}

func TestShapesOfStreams(t *testing.T) {
	for _, way := range ways(t) {
		for name, input := range shapes(way.size) {
			t.Run(way.name+" "+name, func(t *testing.T) {
				t.Parallel()
				stored := compress(t, way.codec, input)
				got, err := decompress(way.codec, bytes.NewReader(stored))
				if err != nil || !bytes.Equal(got, input) {
					t.Errorf("%d bytes came back as %d: %v", len(input), len(got), err)
				}
				if got := tool(t, stored, way.codec.Method(), "-dc"); !bytes.Equal(got, input) {
					t.Errorf("%s reads %d bytes as %d others", way.codec.Method(), len(input), len(got))
				}
				most := len(input) + len(input)/1000 + 100
				if way.codec.Method() == "bzip2" {
					most = len(input) + len(input)/50 + 100
				}
				if len(stored) > most {
					t.Errorf("%d bytes are stored as %d, more than %d", len(input), len(stored), most)
				}
			})
		}
	}
}

// Cuts at many places of files of several blocks, at all of their beginning and their end. A cut between two members, frames or streams leaves a whole file; what
// came before the cut is all that can come out.
func TestTruncationOfBlocks(t *testing.T) {
	for _, way := range ways(t) {
		if way.codec.Level() == 9 {
			continue // the format is the same
		}
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			input := append(make([]byte, way.size), dump(2000)...)
			stored := compress(t, way.codec, input)
			for cut := range len(stored) {
				if cut > 20 && cut < len(stored)-20 && cut%211 != 0 {
					continue
				}
				got, err := decompress(way.codec, bytes.NewReader(stored[:cut]))
				if err == nil && (len(got) != way.size || !bytes.Equal(got, input[:way.size])) {
					t.Errorf("cut to %d of %d bytes: %d bytes came out without an error", cut, len(stored), len(got))
				}
			}
		})
	}
}

func TestIncompressible(t *testing.T) {
	random := noise(1 << 20)
	pages := make([]byte, 1<<20)
	for i := 0; i < len(pages); i += 8 << 10 {
		copy(pages[i:i+2<<10], random[i:])
	}
	tests := map[string]struct {
		data []byte
		want bool
	}{
		"nothing":               {nil, false},
		"little":                {random[:1000], false},
		"noise":                 {random, true},
		"16 KiB of noise":       {random[:16<<10], true},
		"text":                  {dump(1 << 20), false},
		"zeros":                 {make([]byte, 1<<20), false},
		"noise twice":           {append(bytes.Clone(random), random...), false},
		"a part of noise again": {append(bytes.Clone(random), random[:100<<10]...), false},
		"pages with noise":      {pages, false},
		"noise and some text":   {append(bytes.Clone(random), dump(200<<10)...), false},
	}
	for name, test := range tests {
		if got := incompressible(test.data); got != test.want {
			t.Errorf("%s: %v, entropy %.3f", name, got, entropy(test.data))
		}
	}
}

// stuckEncoder waits for the end of its context, as one does that compresses for minutes.
type stuckEncoder struct{ begun chan<- struct{} }

func (s stuckEncoder) encode(ctx context.Context, _ *block) error {
	s.begun <- struct{}{}
	<-ctx.Done()
	return context.Cause(ctx)
}

var errGivenUp = errors.New("given up")

// Whoever waits in Write or in Close returns when the stream is given up, and nothing runs any more afterwards.
func TestAbort(t *testing.T) {
	for name, size := range map[string]int{"in Write": 1000, "in Close": 25, "in Close, with one block": 5} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				begun := make(chan struct{}, 1000)
				ctx, abort := context.WithCancelCause(t.Context())
				writer := newBlockWriter(ctx, io.Discard, blockFormat{
					size:       10,
					newEncoder: func() (blockEncoder, error) { return stuckEncoder{begun}, nil },
					framing:    &gzipFraming{},
				})
				result := make(chan [2]error)
				go func() {
					_, err := writer.Write(make([]byte, size))
					result <- [2]error{err, writer.Close()}
				}()
				<-begun
				synctest.Wait()
				abort(errGivenUp)
				errs := <-result
				if size == 1000 && errs[0] != errGivenUp || errs[1] != errGivenUp {
					t.Errorf("Write %v, Close %v", errs[0], errs[1])
				}
			})
		})
	}
}

// failingEncoder fails at one block.
type failingEncoder struct{ at byte }

func (f failingEncoder) encode(_ context.Context, b *block) error {
	if b.data[0] == f.at {
		return errGivenUp
	}
	b.out = append(b.out, b.data...)
	return nil
}

// What stands before the block that failed may be written, what comes after it must not.
func TestFailingEncoder(t *testing.T) {
	before := runtime.NumGoroutine()
	var out bytes.Buffer
	writer := newBlockWriter(t.Context(), &out, blockFormat{
		size:       1,
		newEncoder: func() (blockEncoder, error) { return failingEncoder{at: 50}, nil },
		framing:    &zstdFraming{},
	})
	var err error
	for i := 0; i < 100 && err == nil; i++ {
		_, err = writer.Write([]byte{byte(i)})
	}
	if closing := writer.Close(); closing != errGivenUp || err != nil && err != errGivenUp {
		t.Errorf("Write %v, Close %v", err, closing)
	}
	for i, b := range out.Bytes() {
		if int(b) != i || b >= 50 {
			t.Errorf("byte %d is %d", i, b)
		}
	}
	settled(t, before)
}

func TestEncoderThatCannotBeMade(t *testing.T) {
	for _, size := range []int{0, 1, 30} {
		writer := newBlockWriter(t.Context(), io.Discard, blockFormat{
			size: 10, newEncoder: func() (blockEncoder, error) { return nil, errGivenUp }, framing: &zstdFraming{},
		})
		_, err := writer.Write(make([]byte, size))
		if err == nil {
			err = writer.Close()
		} else if closing := writer.Close(); closing != err {
			t.Errorf("Write %v, Close %v", err, closing)
		}
		if (err == nil) != (size == 0) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}
