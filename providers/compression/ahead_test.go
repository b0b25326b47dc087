package compression

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/dsnet/compress/bzip2"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// ends notes where each write to a file ended.
type ends struct {
	bytes.Buffer
	at []int
}

func (e *ends) Write(p []byte) (int, error) {
	n, err := e.Buffer.Write(p)
	e.at = append(e.at, e.Len())
	return n, err
}

// waitingInput is an input behind which somebody waits for what is made of it: it gives nothing behind one of its marks before all that
// stands in front of it has been given out.
type waitingInput struct {
	t    *testing.T
	data []byte
	// marks are places in data, owed how much is to be given out before more than that is read.
	marks, owed []int
	most        int
	read, given int
}

func (w *waitingInput) Read(p []byte) (int, error) {
	for len(w.marks) > 0 && w.read == w.marks[0] {
		if w.given < w.owed[0] {
			w.t.Errorf("more than %d bytes are asked for when %d bytes of %d were given out", w.read, w.given, w.owed[0])
		}
		w.marks, w.owed = w.marks[1:], w.owed[1:]
	}
	end := len(w.data)
	if len(w.marks) > 0 {
		end = w.marks[0]
	}
	if w.read == end {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), w.most)], w.data[w.read:end])
	w.read += n
	return n, nil
}

// Whoever writes may wait until what was written has been read, as a backup does, which checks what it writes: a reader gives out what it
// has before it asks for more, at the end of each block, frame, stream and member, however the input comes.
func TestReadersGiveOutWhatTheyHave(t *testing.T) {
	for _, way := range ways(t) {
		if way.codec.Level() == 9 {
			continue // the format is the same
		}
		t.Run(way.name, func(t *testing.T) {
			input := dump(way.size + way.size/4)
			var stored ends
			for range 2 {
				writer, err := way.codec.NewWriter(&stored)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := writer.Write(input); err != nil {
					t.Fatal(err)
				}
				if err := writer.Close(); err != nil {
					t.Fatal(err)
				}
			}
			var marks, owed []int
			for i, end := range stored.at {
				if i > 0 && end-stored.at[i-1] == writeSize {
					continue // in the middle of a block
				}
				// A cut here is an error, unless it is the end of a file.
				got, _ := readAll(way.codec, bytes.NewReader(stored.Bytes()[:end]))
				if size := len(got); size > 0 && size%len(input)%way.size == 0 {
					marks, owed = append(marks, end), append(owed, size)
				}
			}
			if len(owed) == 0 || owed[len(owed)-1] != 2*len(input) {
				t.Fatalf("the marks are %v", owed)
			}
			for _, most := range []int{1, 1000, 1 << 20} {
				in := &waitingInput{t: t, data: stored.Bytes(), marks: marks, owed: owed, most: most}
				reader, err := way.codec.NewReader(in)
				if err != nil {
					t.Fatal(err)
				}
				buffer := make([]byte, 32<<10)
				for err == nil {
					var n int
					n, err = reader.Read(buffer)
					in.given += n
				}
				if closing := reader.Close(); err != io.EOF || closing != nil || in.given != 2*len(input) {
					t.Errorf("in pieces of %d: %d bytes, %v, %v", most, in.given, err, closing)
				}
			}
		})
	}
}

// Files that are decoded in pieces, or cannot be.
func TestReadingAhead(t *testing.T) {
	text, random := dump(1<<20), noise(9<<19)
	var tiny, want []byte
	for i := range 300 {
		tiny = append(tiny, compress(t, mustCodec(t, "bzip2", 1), text[:i])...)
		want = append(want, text[:i]...)
	}
	xz := func(data []byte, arguments ...string) []byte { return tool(t, data, "xz", append(arguments, "-c")...) }
	bz2 := func(data []byte) []byte { return tool(t, data, "bzip2", "-c") }
	tests := map[string]struct {
		method       string
		stored, want []byte
	}{
		"tiny streams":                 {"bzip2", tiny, want},
		"streams of a tool":            {"bzip2", tool(t, text, "pbzip2", "-c", "-1"), text},
		"a large stream between small": {"bzip2", bytes.Join([][]byte{tiny, bz2(random), tiny}, nil), bytes.Join([][]byte{want, random, want}, nil)},
		"what becomes large":           {"bzip2", append(bz2(make([]byte, 33<<20)), tiny...), append(make([]byte, 33<<20), want...)},
		"blocks":                       {"xz", xz(text, "-1", "-T2", "--block-size=300KiB"), text},
		"blocks without sizes":         {"xz", xz(text, "-1", "-T1", "--block-size=300KiB"), text},
		"blocks of both kinds":         {"xz", append(xz(text, "-1", "-T2", "--block-size=1MiB"), xz(text, "-0", "--check=sha256")...), append(bytes.Clone(text), text...)},
		"blocks for the program":       {"xz", xz(random, "-0", "-T2", "--block-size=2MiB"), random},
		"no check":                     {"xz", xz(text, "-0", "-T2", "--block-size=300KiB", "--check=none"), text},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := decompress(mustCodec(t, test.method, 1), bytes.NewReader(test.stored))
			if err != nil || !bytes.Equal(got, test.want) {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
}

// What looks like the beginning of a stream in the middle of one is read over.
func TestBeginningThatIsNone(t *testing.T) {
	first, second := dump(500_000), noise(1_500_000)
	stored := append(tool(t, first, "bzip2", "-c"), tool(t, second, "bzip2", "-c")...)
	for _, at := range []int{1, 20_000, len(stored) - 1_000_000, len(stored) - 1} {
		b := &bzip2Ahead{source: bufio.NewReader(bytes.NewReader(stored)), free: make(chan *bzip2.Reader, 2)}
		for len(b.read) <= at {
			b.more()
		}
		cut := false
		reader := newAheadReader(func() (*piece, error) {
			if !cut {
				cut = true
				return b.cut(at), nil
			}
			return b.next()
		})
		got, err := io.ReadAll(reader)
		if closing := reader.Close(); err != nil || closing != nil || !bytes.Equal(got, append(bytes.Clone(first), second...)) {
			t.Errorf("cut at %d: %d bytes, %v, %v", at, len(got), err, closing)
		}
	}
}

// What stands in front of damage comes out, and nothing of what stands behind it. Of the damaged block itself some may, as ever.
func TestDamageInOrder(t *testing.T) {
	for _, method := range []string{"bzip2", "xz"} {
		codec := &codec{method: smallMethod(method, noProgram()), level: 1}
		input := dump(1_500_000)
		stored := compress(t, codec, input)
		stored[len(stored)/2] ^= 1
		got, err := readAll(codec, atRest{bytes.NewReader(stored)})
		if err == nil || len(got) < 200_000 || len(got) > len(input)*3/4 || !bytes.HasPrefix(input, got[:200_000]) {
			t.Errorf("%s: %d of %d bytes, %v", method, len(got), len(input), err)
		}
	}
}

// A panic of a decoder in a goroutine of its own is damage too, and pieces come out in their order, whichever is ready first.
func TestPiecesInOrder(t *testing.T) {
	before := runtime.NumGoroutine()
	const count = 50
	ready := make([]chan struct{}, count+1)
	for i := range ready {
		ready[i] = make(chan struct{})
	}
	i := 0
	reader := newAheadReader(func() (*piece, error) {
		n := i
		i++
		return &piece{decode: func(ctx context.Context) ([]byte, error) {
			if n == count {
				panic("out of range")
			}
			if n%2 == 0 && runtime.GOMAXPROCS(0) > 1 {
				<-ready[n+1]
			}
			close(ready[n])
			return []byte{byte(n)}, nil
		}}, nil
	})
	got, err := io.ReadAll(reader)
	if err == nil || !strings.Contains(err.Error(), "out of range") || len(got) != count {
		t.Errorf("%d pieces, %v", len(got), err)
	}
	for n, b := range got {
		if int(b) != n {
			t.Errorf("piece %d is %d", n, b)
		}
	}
	if err := reader.Close(); err != nil {
		t.Error(err)
	}
	settled(t, before)
}

// Closing half way ends what is being decoded.
func TestClosingWhileReadingAhead(t *testing.T) {
	before := runtime.NumGoroutine()
	for _, method := range formats() {
		codec := mustCodec(t, method, 1)
		stored := compress(t, codec, dump(6<<20))
		for _, size := range []int{0, 1, 3 << 20} {
			reader, err := codec.NewReader(atRest{bytes.NewReader(stored)})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(reader, make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if err := reader.Close(); err != nil {
				t.Error(err)
			}
			if _, err := reader.Read(make([]byte, 1)); err == nil || err == io.EOF {
				t.Errorf("%s: a read after Close: %v", method, err)
			}
		}
	}
	settled(t, before)
}

// The program that decodes a block does not have the last word: one that fails, or says too little, too much or something else.
func TestProgramsThatDecode(t *testing.T) {
	testenv.Need(t, "xz")
	random := noise(5 << 20)
	stored := tool(t, random, "xz", "-0", "-T2", "--block-size=2MiB", "-c")
	for name, text := range map[string]string{
		"fails": "exit 1", "reads and fails": "cat >/dev/null; exit 1", "little": "cat >/dev/null; printf abc", "too much": "exec yes",
	} {
		got, err := readAll(withTool(t, "xz", script(t, "xz", text)), atRest{bytes.NewReader(stored)})
		if err != nil || !bytes.Equal(got, random) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	_, err := readAll(withTool(t, "xz", script(t, "xz", fmt.Sprintf("cat >/dev/null; exec head -c %d /dev/zero", 2<<20))), atRest{bytes.NewReader(stored)})
	if !errors.Is(err, errXZDamaged) {
		t.Errorf("other bytes: %v", err)
	}
}

// A program that would go on for ever is ended by Close.
func TestClosingEndsPrograms(t *testing.T) {
	testenv.Need(t, "xz")
	before := runtime.NumGoroutine()
	begun := filepath.Join(t.TempDir(), "begun")
	if err := syscall.Mkfifo(begun, 0o600); err != nil {
		t.Fatal(err)
	}
	stored := tool(t, noise(2<<20), "xz", "-0", "-T2", "--block-size=2MiB", "-c")
	reader, err := withTool(t, "xz", script(t, "xz", fmt.Sprintf("echo $$ >%q; exec sleep 1000", begun))).NewReader(atRest{bytes.NewReader(stored)})
	if err != nil {
		t.Fatal(err)
	}
	ahead := reader.(interface{ begin() (io.Reader, error) })
	inner, err := ahead.begin()
	if err != nil {
		t.Fatal(err)
	}
	inner.(*aheadReader).fill()
	if _, err := os.ReadFile(begun); err != nil {
		t.Fatal(err)
	}
	if err := inner.(io.Closer).Close(); err != nil {
		t.Error(err)
	}
	settled(t, before)
}

var _ providers.Settled = atRest{}
