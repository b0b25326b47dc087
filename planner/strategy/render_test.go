package strategy

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/terminal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := errors.Join(os.MkdirAll("testdata", 0o755), os.WriteFile(path, got, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(string(want), string(got)); difference != "" {
		t.Errorf("%s (-want +got; rewrite with -update):\n%s", name, difference)
	}
}

// scenes are recommendations of all sorts.
func scenes() map[string]Recommendation {
	weights := DefaultWeights()
	down := Is(Reach{})
	return map[string]Recommendation{
		"ordinary": Recommend(ordinary(), weights, Allowed{}),
		"release":  Recommend(release(), weights, Allowed{}),
		"nothing":  Recommend(Facts{}, weights, Allowed{}),
		"failover": Recommend(func() Facts {
			f := release()
			f.Remote, f.Host, f.Backup = down, Is(Reach{true, 6 * time.Second}), Known[Backup]{}
			f.Last = Is(Deploy{GitHub, RolledBack, 3 * time.Hour})
			return f
		}(), weights, Allowed{}),
		"freeze": Recommend(with(func(f *Facts) {
			f.Freeze = Is(Freeze{"end of the year\x1b[2J", time.Date(2027, 1, 4, 8, 0, 0, 0, time.FixedZone("-03", -3*3600))})
		}), weights, Allowed{}),
		"blocked": Recommend(with(func(f *Facts) { f.Uncommitted, f.Disk = Is(3), Is(Disk{200 << 20, 100 << 30}) }), weights, Allowed{}),
	}
}

func TestRender(t *testing.T) {
	for name, r := range scenes() {
		var b bytes.Buffer
		if err := r.Render(&b, 100); err != nil {
			t.Fatal(err)
		}
		golden(t, name+".txt", b.Bytes())
	}
	var b bytes.Buffer
	for _, width := range []int{80, 68} {
		fmt.Fprintf(&b, "%d columns\n\n%s\n", width, scenes()["release"].text(width))
	}
	golden(t, "narrow.txt", b.Bytes())
}

// TestRenderFits renders at every width.
func TestRenderFits(t *testing.T) {
	for seed := range uint64(300) {
		random := rand.New(rand.NewPCG(seed, 2))
		f := someFacts(random)
		f.Freeze = maybe(random, func() Freeze {
			return pick(random, Freeze{}, Freeze{"データベース\n\x1b[31m" + strings.Repeat("long", 30), time.Unix(0, 0)})
		})
		r := Recommend(f, someWeights(random), someAllowed(random))
		for _, width := range []int{68, 71, 80, 93, 100, 140} {
			for line := range strings.Lines(r.text(width)) {
				line = strings.TrimSuffix(line, "\n")
				if terminal.Width(line) > width || strings.ContainsFunc(line, unicode.IsControl) || line != strings.TrimRight(line, " ") {
					t.Fatalf("%d columns: %q has %d", width, line, terminal.Width(line))
				}
			}
		}
		for _, width := range []int{-1, 0, 1, 5} {
			r.text(width)
		}
	}
}

func TestJSON(t *testing.T) {
	for name, r := range scenes() {
		text, err := json.MarshalIndent(r, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		if name == "failover" || name == "freeze" {
			golden(t, name+".json", append(text, '\n'))
		}
	}
	text, err := json.MarshalIndent([]Facts{release(), {}, with(func(f *Facts) {
		f.Freeze, f.Last, f.Backup = Is(Freeze{"x", time.Unix(0, 0)}), Is(Deploy{}), Is(Backup{})
	})}, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "facts.json", append(text, '\n'))
}

func TestPoints(t *testing.T) {
	for points, want := range map[Points]string{0: "0", 100: "+1", -250: "-2.5", 1025: "+10.25", 20000: "+200"} {
		if got := points.String(); got != want {
			t.Errorf("%d: %s, want %s", int(points), got, want)
		}
	}
}
