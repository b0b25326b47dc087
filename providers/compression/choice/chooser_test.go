package choice_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression/choice"
)

// rows returns n bytes of a dump.
func rows(n int) []byte {
	random := rand.New(rand.NewPCG(1, 1))
	var b bytes.Buffer
	b.WriteString("--\n-- PostgreSQL database dump\n--\n")
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d\titem %d\t%d.%02d\n", i, random.IntN(1000), random.IntN(1000), random.IntN(100))
	}
	return b.Bytes()[:n]
}

// choose asks with a clock that stands still, so that no speed of this machine counts.
func choose(t *testing.T, preferences providers.Preferences, about providers.Circumstances) providers.Chosen {
	t.Helper()
	chooser, err := choice.NewChooser(preferences)
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := chooser.Choose(t.Context(), clock.NewManual(time.Unix(0, 0)), about)
	if err != nil {
		t.Fatal(err)
	}
	return chosen
}

func TestChooser(t *testing.T) {
	head := rows(1 << 18)
	fast := choose(t, providers.Preferences{Optimize: "speed"}, providers.Circumstances{Head: head, RawBytes: 1 << 30, UploadRate: 1e9})
	if fast.Codec.Method() != "zstd" || fast.Codec.Level() != 1 || fast.StoredBytes <= 0 || fast.StoredBytes >= 1<<30 || fast.Seconds <= 0 || fast.RunnerUp == "" {
		t.Errorf("speed: %+v", fast)
	}
	small := choose(t, providers.Preferences{Optimize: "size"}, providers.Circumstances{Head: head, Whole: true})
	if small.StoredBytes <= 0 || small.StoredBytes >= int64(len(head)) || !strings.Contains(small.Reason, "least") {
		t.Errorf("size: %+v", small)
	}
	picture := append([]byte("\x89PNG\r\n\x1a\n"), head...)
	plain := choose(t, providers.Preferences{Optimize: "size"}, providers.Circumstances{Head: picture})
	if plain.Codec.Method() != "none" || plain.Codec.Extension() != "" || plain.Reason != "it is a PNG image: stored as it is" {
		t.Errorf("picture: %+v", plain)
	}
	for _, little := range []string{"", "x"} {
		nothing := choose(t, providers.Preferences{Optimize: "balanced"}, providers.Circumstances{Head: []byte(little), Whole: true})
		if nothing.Codec.Method() != "none" || nothing.Warning != "" {
			t.Errorf("%q: %+v", little, nothing)
		}
	}
	missed := choose(t, providers.Preferences{Optimize: "speed", MinReduction: 98, Fallback: []string{"bzip2", "none"}}, providers.Circumstances{Head: head})
	if missed.Codec.Method() != "none" || !strings.Contains(missed.Warning, "below min_reduction = 98: none is used") {
		t.Errorf("min_reduction: %+v", missed)
	}
}

func TestNewChooser(t *testing.T) {
	for _, wrong := range []providers.Preferences{{}, {Optimize: "beauty"}, {Optimize: "size", Fallback: []string{"rar"}}, {Optimize: "size", Fallback: []string{"auto"}}} {
		if _, err := choice.NewChooser(wrong); err == nil {
			t.Errorf("%+v is accepted", wrong)
		}
	}
}

func TestChooserInterrupted(t *testing.T) {
	chooser, err := choice.NewChooser(providers.Preferences{Optimize: "size"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := chooser.Choose(ctx, clock.System{}, providers.Circumstances{Head: rows(1000)}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
