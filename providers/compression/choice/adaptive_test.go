package choice

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
)

func newTestAdaptive(t *testing.T, codecs providers.CodecFactory) *adaptive {
	t.Helper()
	hasty, err := codecs("zstd", 1)
	if err != nil {
		t.Fatal(err)
	}
	codec, err := newAdaptive(hasty, codecs, clock.NewManual(time.Unix(0, 0)), usualPace())
	if err != nil {
		t.Fatal(err)
	}
	quick := codec.(*adaptive)
	quick.pace = quickPace()
	return quick
}

// inPieces writes data in pieces until one fails.
func inPieces(w io.Writer, data []byte) error {
	for len(data) > 0 {
		n, err := w.Write(data[:min(len(data), 256<<10)])
		if err != nil {
			return err
		}
		data = data[n:]
	}
	return nil
}

// TestAdaptive: what becomes of another kind is gone on with at another level, in one file that reads back whole.
func TestAdaptive(t *testing.T) {
	for name, c := range map[string]struct {
		data  []byte
		level int
		said  string
	}{
		"of one kind":          {table(8 << 20), 1, ""},
		"of another kind":      {append(table(2<<20), syllables(8<<20)...), 5, "MiB the data was of another kind, of which zstd 1 would have stored more than gzip 9: it went on with zstd 5"},
		"as good in the other": {append(syllables(2<<20), table(8<<20)...), 1, ""},
		"nothing":              {nil, 1, ""},
	} {
		codec := newTestAdaptive(t, compression.Codecs())
		var stored bytes.Buffer
		writer, err := codec.NewWriter(&stored)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(inPieces(writer, c.data), writer.Close(), writer.Close()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if codec.Level() != c.level || !strings.Contains(codec.Adapted(), c.said) || (c.said == "") != (codec.Adapted() == "") {
			t.Errorf("%s: level %d, %q", name, codec.Level(), codec.Adapted())
		}
		reader, err := codec.NewReader(&stored)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(reader)
		if err = errors.Join(err, reader.Close()); err != nil || !bytes.Equal(got, c.data) {
			t.Errorf("%s: %d bytes of %d came back, %v", name, len(got), len(c.data), err)
		}
	}
}

var errOut = errors.New("out of order")

// refusing is a codec that cannot begin to write.
type refusing struct{ providers.Codec }

func (refusing) NewWriter(io.Writer) (io.WriteCloser, error) { return nil, errOut }

// TestAdaptiveFails: where the careful level cannot begin, the stream fails, and what was written gets no valid end.
func TestAdaptiveFails(t *testing.T) {
	known := compression.Codecs()
	codecs := func(method string, level int) (providers.Codec, error) {
		codec, err := known(method, level)
		if level == carefulLevel {
			codec = refusing{codec}
		}
		return codec, err
	}
	codec := newTestAdaptive(t, codecs)
	writer, err := codec.NewWriter(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	data := append(table(2<<20), syllables(8<<20)...)
	if err := inPieces(writer, data); !errors.Is(err, errOut) {
		t.Errorf("writing: %v", err)
	}
	if _, err := writer.Write(data[:1]); !errors.Is(err, errOut) {
		t.Errorf("writing again: %v", err)
	}
	if err := writer.Close(); !errors.Is(err, errOut) {
		t.Errorf("closing: %v", err)
	}
	if codec.Level() != 1 {
		t.Errorf("level %d", codec.Level())
	}
}

// TestAdaptiveAborted: a stream that is given up is, whichever level it is at.
func TestAdaptiveAborted(t *testing.T) {
	for _, before := range []int{1 << 20, 10 << 20} {
		codec := newTestAdaptive(t, compression.Codecs())
		writer, err := codec.NewWriter(io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		data := append(table(2<<20), syllables(8<<20)...)
		if err := inPieces(writer, data[:before]); err != nil {
			t.Fatal(err)
		}
		writer.(providers.Aborter).Abort(errOut)
		if err := inPieces(writer, data); !errors.Is(err, errOut) {
			t.Errorf("after %d bytes: writing: %v", before, err)
		}
		if err := writer.Close(); !errors.Is(err, errOut) {
			t.Errorf("after %d bytes: closing: %v", before, err)
		}
	}
}
