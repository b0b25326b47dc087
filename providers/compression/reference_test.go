package compression

import (
	"context"
	"errors"
	"testing"
)

// What gzip -9 makes of data is what the tool makes of it, and about that without a tool that can be used.
func TestBestGzip(t *testing.T) {
	data := dump(1 << 20)
	want := int64(len(tool(t, data, "gzip", "-9", "-c")))
	if got, err := BestGzip(t.Context(), data); err != nil || got != want {
		t.Errorf("%d bytes, %v; gzip -9 writes %d", got, err, want)
	}
	for name, broken := range map[string]*program{
		"none":             {name: "gzip", find: func() (string, string) { return "", "" }},
		"one that fails":   script(t, "gzip", "echo out of order >&2; exit 1"),
		"one that is gone": {name: "gzip", find: func() (string, string) { return "/nowhere/gzip", "1.0" }},
	} {
		if got, err := bestGzip(t.Context(), broken, data); err != nil || got < want*9/10 || got > want*11/10 {
			t.Errorf("%s: %d bytes, %v; gzip -9 writes %d", name, got, err, want)
		}
	}
	if got, err := BestGzip(t.Context(), data[:100]); err != nil || got < 20 || got > 200 {
		t.Errorf("a little: %d bytes, %v", got, err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := BestGzip(ended, data); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}

// Codecs that share their programs are those that are made one by one.
func TestCodecs(t *testing.T) {
	codecs := Codecs()
	for _, method := range formats() {
		got, err := codecs(method, 1)
		if err != nil || got.Method() != method || got.Level() != 1 {
			t.Errorf("%s: %+v, %v", method, got, err)
		}
	}
	if _, err := codecs("zst", 1); err == nil {
		t.Error("an unknown method is accepted")
	}
}
