package strategy

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestRecommend goes through the cases that each strategy is for.
func TestRecommend(t *testing.T) {
	down := Is(Reach{})
	for name, c := range map[string]struct {
		facts   Facts
		allowed Allowed
		winner  Strategy
		reason  string
		out     map[Strategy]string // what excludes others
	}{
		"a small fix while people work": {ordinary(), Allowed{}, Hybrid, "the change is small", map[Strategy]string{Local: "another revision is wanted"}},
		"a small fix at night":          {with(func(f *Facts) { f.BusinessHours = Is(Hours{true, false, "UTC"}) }), Allowed{}, Hybrid, "the change is small", nil},
		"a release":                     {release(), Allowed{}, GitHub, "2 migrations are to be run", nil},
		"a small feature":               {with(func(f *Facts) { f.Commits = Is([]Commit{ParseCommit("feat: x", "")}) }), Allowed{}, GitHub, "a feature", nil},
		"a hotfix":                      {with(func(f *Facts) { f.Commits = Is([]Commit{ParseCommit("hotfix: x", "")}) }), Allowed{}, GitHub, "a hotfix", nil},
		"a migration alone":             {with(func(f *Facts) { f.Files = Is(map[FileKind]int{Migration: 1}) }), Allowed{}, GitHub, "1 migration is to be run", nil},
		"dependencies":                  {with(func(f *Facts) { f.Files = Is(map[FileKind]int{Dependencies: 1}) }), Allowed{}, GitHub, "1 dependency file changes", nil},
		"the first deploy": {with(func(f *Facts) { f.Running, f.Last = Is(""), Is(Deploy{}); f.Files = Is(map[FileKind]int{Code: 400}) }), Allowed{}, GitHub, "nothing is deployed yet",
			map[Strategy]string{Local: "nothing is deployed yet"}},
		"nothing but documentation": {with(func(f *Facts) { f.Files = Is(map[FileKind]int{Documentation: 80}) }), Allowed{}, Hybrid, "nothing that runs changes", nil},
		"the same revision": {with(func(f *Facts) { f.Wanted, f.Files, f.Commits = f.Running, Is(map[FileKind]int{}), Is([]Commit{}) }), Allowed{}, Local,
			"the wanted revision runs already", nil},
		"a restart that was asked for":    {with(func(f *Facts) { f.Containers = Is(Containers{3, 2}) }), Allowed{Restart: true, Strategies: []Strategy{Local}}, Local, "the only one", nil},
		"the remote is down, a small fix": {with(func(f *Facts) { f.Remote, f.FromHost = down, down }), Allowed{}, Hybrid, "", map[Strategy]string{GitHub: "the remote does not answer", VM: "the host cannot reach the remote"}},
		"the remote is down for us only, a release": {func() Facts { f := release(); f.Remote = down; return f }(), Allowed{}, VM, "2 migrations are to be run",
			map[Strategy]string{GitHub: "the remote does not answer"}},
		"the remote is down for us only, and has not the release": {func() Facts { f := release(); f.Remote, f.Published = down, Is(false); return f }(), Allowed{}, Hybrid, "the only one",
			map[Strategy]string{VM: "cannot be pushed"}},
		"a bad connection to the host":           {with(func(f *Facts) { f.Host = Is(Reach{true, 9 * time.Second}) }), Allowed{}, VM, "the host takes 9s to answer", nil},
		"no connection to the host, an agent":    {with(func(f *Facts) { f.Host, f.Agent = down, Is(true) }), Allowed{}, VM, "the only one", map[Strategy]string{Hybrid: "the host does not answer"}},
		"no connection to the host, no agent":    {with(func(f *Facts) { f.Host = down }), Allowed{}, "", "what is in the way of each", map[Strategy]string{VM: "no agent"}},
		"no connection, an agent, not published": {with(func(f *Facts) { f.Host, f.Agent, f.Published = down, Is(true), Is(false) }), Allowed{}, "", "what is in the way", map[Strategy]string{VM: "the remote lacks the revision"}},
		"something is not committed": {with(func(f *Facts) { f.Uncommitted = Is(2) }), Allowed{}, "", "what is in the way of each",
			map[Strategy]string{GitHub: "2 files are not committed and would be left out", Hybrid: "allow_uncommitted", VM: "left out"}},
		"something is not committed and may be": {with(func(f *Facts) { f.Uncommitted = Is(1) }), Allowed{Uncommitted: true}, Hybrid, "the only one", map[Strategy]string{GitHub: "1 file is not committed"}},
		"not even a release takes it along":     {func() Facts { f := release(); f.Uncommitted = Is(1); return f }(), Allowed{Uncommitted: true}, Hybrid, "the only one", map[Strategy]string{GitHub: "would be left out"}},
		"a full disk":                           {with(func(f *Facts) { f.Disk = Is(Disk{Free: 100 << 20}) }), Allowed{}, "", "what is in the way", map[Strategy]string{GitHub: "the disk has 100 MiB free", Hybrid: "the disk has 100 MiB free"}},
		"only some are allowed":                 {ordinary(), Allowed{Strategies: []Strategy{GitHub, VM}}, GitHub, "", map[Strategy]string{Hybrid: "not among those"}},
		"none is allowed":                       {ordinary(), Allowed{Strategies: []Strategy{}}, "", "No strategy can be taken: it is not among those that may be taken.", nil},
		"nothing is known":                      {Facts{}, Allowed{}, GitHub, "github, the safer of two with as many points, before vm.", map[Strategy]string{Local: "not known"}},
		"the last one failed by hybrid":         {with(func(f *Facts) { f.Last = Is(Deploy{Hybrid, RolledBack, time.Hour}) }), Allowed{}, GitHub, "was rolled back", nil},
	} {
		t.Run(name, func(t *testing.T) {
			r := Recommend(c.facts, DefaultWeights(), c.allowed)
			if r.Winner != c.winner || !strings.Contains(r.Reason, c.reason) {
				t.Errorf("got %q, want %q that says %q\n%s", r.Reason, c.winner, c.reason, r.text(100))
			}
			for s, want := range c.out {
				if got := strings.Join(r.candidate(s).Excluded, "; "); !strings.Contains(got, want) {
					t.Errorf("%s is excluded for %q, want %q", s, got, want)
				}
			}
		})
	}
}

func (r Recommendation) candidate(s Strategy) Candidate {
	return r.Candidates[slices.Index(All(), s)]
}

func TestFreeze(t *testing.T) {
	until := time.Date(2026, 12, 27, 8, 0, 0, 0, time.FixedZone("-03", -3*3600))
	r := Recommend(with(func(f *Facts) { f.Freeze = Is(Freeze{"year end", until}) }), DefaultWeights(), Allowed{Restart: true})
	if r.Winner != "" || r.RunnerUp != "" || r.Blocked == nil || !r.Blocked.Until.Equal(until) {
		t.Errorf("got %+v", r)
	}
	if want := `Nothing is deployed until 2026-12-27 08:00 -03: the freeze "year end" lasts.`; r.Reason != want {
		t.Errorf("got %q, want %q", r.Reason, want)
	}
}

func TestBrief(t *testing.T) {
	for want, r := range map[string]Recommendation{
		"the change is small (4 files) and it is business hours": Recommend(ordinary(), DefaultWeights(), Allowed{}),
		"the only one that can be taken":                         Recommend(ordinary(), DefaultWeights(), Allowed{Strategies: []Strategy{VM}}),
		"the safer of two with as many points, before vm":        Recommend(Facts{}, DefaultWeights(), Allowed{}),
		"": Recommend(ordinary(), DefaultWeights(), Allowed{Strategies: []Strategy{}}),
	} {
		if got := r.Brief(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestUnknownIsNeverGuessed(t *testing.T) {
	r := Recommend(Facts{}, DefaultWeights(), Allowed{})
	if len(r.Unknown) != len(factors)+1 || !slices.Equal(r.Doubts, []string{"uncommitted", "remote", "remote_from_host", "host", "disk"}) {
		t.Errorf("unknown: %v, doubts: %v", r.Unknown, r.Doubts)
	}
	for _, f := range r.Factors {
		if f.Known || f.Measured != "unknown" {
			t.Errorf("%s: %q", f.Name, f.Measured)
		}
		for s, points := range f.Points {
			if points != 0 {
				t.Errorf("%s gives %s %s", f.Name, s, points)
			}
		}
	}
}

func TestWeights(t *testing.T) {
	w, err := DefaultWeights().With(map[string]float64{"migrations": 0, "files": 2.25})
	if err != nil || w.Of("migrations") != 0 || w.Of("files") != 2.25 || w.Of("commits") != 3 || w.Of("nothing") != 0 {
		t.Errorf("%v, %v", w, err)
	}
	if DefaultWeights().Of("files") != 3 {
		t.Error("the defaults changed")
	}
	for name, c := range map[string]struct {
		weight float64
		want   string
	}{
		"migratons": {1, `did you mean "migrations"?`}, "Hours": {1, "there is no factor"}, "freeze": {1, "has no weight"}, "files": {-1, "0 to 100"}, "disk": {math.NaN(), "0 to 100"},
		"host": {math.Inf(1), "0 to 100"}, "": {1, "there is revision, files,"}, "something else entirely": {1, "there is revision, files,"},
	} {
		if _, err := DefaultWeights().With(map[string]float64{name: c.weight}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", name, err)
		}
	}
	_, err = DefaultWeights().With(map[string]float64{"b": 1, "a": 1})
	var all interface{ Unwrap() []error }
	if !errors.As(err, &all) || len(all.Unwrap()) != 2 || !strings.Contains(all.Unwrap()[0].Error(), `"a"`) {
		t.Errorf("not all mistakes, or in another order: %v", err)
	}
}

// Generated facts, weights and permissions.

func maybe[T any](random *rand.Rand, value func() T) Known[T] {
	if random.IntN(5) == 0 {
		return Known[T]{}
	}
	return Is(value())
}

func pick[T any](random *rand.Rand, values ...T) T { return values[random.IntN(len(values))] }

func someFacts(random *rand.Rand) Facts {
	reach := func() Reach {
		return pick(random, Reach{}, Reach{true, time.Millisecond}, Reach{true, 3 * time.Second}, Reach{true, 8 * time.Second})
	}
	flag := func() bool { return random.IntN(2) == 0 }
	files := func() map[FileKind]int {
		counts := map[FileKind]int{}
		for _, kind := range FileKinds() {
			if random.IntN(3) == 0 {
				counts[kind] = random.IntN(40)
			}
		}
		return counts
	}
	commits := func() []Commit {
		var list []Commit
		for range random.IntN(4) {
			list = append(list, Commit{Type: pick(random, "", "feat", "fix", "chore", "hotfix", "nonsense"), Breaking: random.IntN(4) == 0})
		}
		return list
	}
	f := Facts{
		Running: maybe(random, func() string { return pick(random, "", "a", "b") }), Wanted: maybe(random, func() string { return pick(random, "a", "b") }),
		Files: maybe(random, files), Commits: maybe(random, commits), Uncommitted: maybe(random, func() int { return max(0, random.IntN(6)-3) }),
		Remote: maybe(random, reach), FromHost: maybe(random, reach), Host: maybe(random, reach), Published: maybe(random, flag), Agent: maybe(random, flag),
		BusinessHours: maybe(random, func() Hours { return Hours{flag(), flag(), "UTC"} }),
		Last: maybe(random, func() Deploy {
			return pick(random, Deploy{}, Deploy{pick(random, All()...), pick(random, Promoted, RolledBack, Failed), time.Duration(random.Int64N(int64(2000 * time.Hour)))})
		}),
		Containers: maybe(random, func() Containers { return Containers{random.IntN(3), random.IntN(3)} }),
		Backup: maybe(random, func() Backup {
			return Backup{flag(), flag(), time.Duration(random.Int64N(int64(3 * time.Hour))), time.Duration(random.IntN(2)) * time.Hour}
		}),
		Disk: maybe(random, func() Disk {
			return pick(random, Disk{100 << 20, 50 << 30}, Disk{5 << 30, 0}, Disk{5 << 30, 100 << 30}, Disk{50 << 30, 100 << 30}, Disk{1 << 30, 0})
		}),
	}
	if random.IntN(10) == 0 {
		f.Freeze = Is(Freeze{"x", time.Unix(1, 0).UTC()})
	}
	return f
}

func someWeights(random *rand.Rand) Weights {
	var w Weights
	for i := range w.hundredths {
		w.hundredths[i] = random.IntN(1000)
	}
	return w
}

func someAllowed(random *rand.Rand) Allowed {
	a := Allowed{Uncommitted: random.IntN(2) == 0, Restart: random.IntN(3) == 0}
	if random.IntN(3) == 0 {
		a.Strategies = []Strategy{pick(random, All()...), pick(random, All()...)}
	}
	return a
}

// each runs a property for many random cases.
func each(t *testing.T, property func(*testing.T, *rand.Rand)) {
	t.Helper()
	for seed := range uint64(2000) {
		property(t, rand.New(rand.NewPCG(seed, 1)))
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func TestDeterministicAndWhole(t *testing.T) {
	each(t, func(t *testing.T, random *rand.Rand) {
		f, w, a := someFacts(random), someWeights(random), someAllowed(random)
		r := Recommend(f, w, a)
		if again := Recommend(f, w, a); !reflect.DeepEqual(r, again) || r.text(90) != again.text(90) {
			t.Error("not the same twice")
		}
		for _, c := range r.Candidates {
			sum := Points(0)
			for _, row := range r.Factors {
				sum += row.Points[c.Strategy]
				if row.Points[c.Strategy] != Points(math.Round(row.Weight*100))*Points(row.Values[c.Strategy]) {
					t.Errorf("%s of %s: %v × %d is not %s", row.Name, c.Strategy, row.Weight, row.Values[c.Strategy], row.Points[c.Strategy])
				}
			}
			if sum != c.Points {
				t.Errorf("%s has %s, its rows have %s", c.Strategy, c.Points, sum)
			}
		}
		if r.Reason == "" || !strings.HasSuffix(r.Reason, ".") || (r.RunnerUp == "") != (r.RunnerUpReason == "") || strings.Contains(r.Reason, "because .") || (r.Brief() == "") != (r.Winner == "") || strings.Contains(r.Reason, ", and") {
			t.Errorf("%q, %q", r.Reason, r.RunnerUpReason)
		}
		for _, phrase := range r.Because {
			if phrase == "" {
				t.Errorf("a factor without words decided: %q", r.Reason)
			}
		}
	})
}

func TestExcludedNeverWin(t *testing.T) {
	each(t, func(t *testing.T, random *rand.Rand) {
		f, a := someFacts(random), someAllowed(random)
		r := Recommend(f, someWeights(random), a)
		possible := 0
		for _, c := range r.Candidates {
			excluded := len(c.Excluded) > 0 || r.Blocked != nil
			if excluded && (c.Strategy == r.Winner || c.Strategy == r.RunnerUp) {
				t.Errorf("%s is excluded (%v), and recommended", c.Strategy, c.Excluded)
			}
			if !excluded {
				possible++
				if r.Winner == "" || c.Points > r.candidate(r.Winner).Points {
					t.Errorf("%s has more points than %q", c.Strategy, r.Winner)
				}
			}
		}
		if (possible > 0) != (r.Winner != "") || (possible > 1) != (r.RunnerUp != "") {
			t.Errorf("of %d possible: %q, %q", possible, r.Winner, r.RunnerUp)
		}
		if n, known := f.Uncommitted.Get(); known && n > 0 && (r.Winner == GitHub || r.Winner == VM || r.Winner == Hybrid && !a.Uncommitted) {
			t.Errorf("%s with %d files that are not committed", r.Winner, n)
		}
	})
}

// TestWeightMovesItsOwnWay raises the weight of one factor: nobody falls behind one that this factor favours less.
func TestWeightMovesItsOwnWay(t *testing.T) {
	each(t, func(t *testing.T, random *rand.Rand) {
		f, w, a := someFacts(random), someWeights(random), someAllowed(random)
		at := random.IntN(factorCount)
		heavier := w
		heavier.hundredths[at] += 1 + random.IntN(2000)
		before, after := Recommend(f, w, a), Recommend(f, heavier, a)
		old, new := before.ranked(), after.ranked()
		place := func(list []Candidate, s Strategy) int {
			return slices.IndexFunc(list, func(c Candidate) bool { return c.Strategy == s })
		}
		favour := before.Factors[at].Values
		for i, better := range old {
			for _, worse := range old[i+1:] {
				if favour[better.Strategy] >= favour[worse.Strategy] && place(new, better.Strategy) > place(new, worse.Strategy) {
					t.Errorf("%s fell behind %s when %s became heavier", better.Strategy, worse.Strategy, before.Factors[at].Name)
				}
			}
		}
	})
}

// TestDocumentation holds the table in docs/recommendation.md against the one that counts: the weights, and that every row of values
// can occur.
func TestDocumentation(t *testing.T) {
	text, err := os.ReadFile("../../docs/recommendation.md")
	if err != nil {
		t.Fatal(err)
	}
	occurs := map[string]bool{}
	each(t, func(_ *testing.T, random *rand.Rand) {
		f, a := someFacts(random), someAllowed(random)
		for _, row := range Recommend(f, DefaultWeights(), a).Factors {
			if last, known := f.Last.Get(); known && row.Name == "last_deploy" && last.Result != Promoted && last != (Deploy{}) {
				// The strategy of a deploy that failed gets one less, which the table says in words.
				row.Values[last.Strategy]++
			}
			occurs[fmt.Sprintf("%s %d %d %d %d", row.Name, row.Values[GitHub], row.Values[Hybrid], row.Values[Local], row.Values[VM])] = true
		}
	})
	documented, names, name := map[string]bool{}, []string(nil), ""
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 9 || strings.Contains(line, "---") || strings.Contains(line, "factor |") {
			continue
		}
		for i := range cells {
			cells[i] = strings.Trim(cells[i], " `")
		}
		if cells[1] != "" {
			name = cells[1]
			names = append(names, name)
			if weight := fmt.Sprint(DefaultWeights().Of(name)); weight != cells[2] {
				t.Errorf("%s weighs %s, documented is %s", name, weight, cells[2])
			}
		}
		row := strings.Join(append([]string{name}, cells[4:8]...), " ")
		documented[row] = true
		if !occurs[row] {
			t.Errorf("documented, and never so: %s", row)
		}
	}
	if !slices.Equal(names, FactorNames()) {
		t.Errorf("documented are %v", names)
	}
	for row := range occurs {
		if !documented[row] && !strings.HasSuffix(row, " 0 0 0 0") {
			t.Errorf("not documented: %s", row)
		}
	}
}

func TestCountFiles(t *testing.T) {
	got := CountFiles([]string{"a.py", "b.py", "app/migrations/0001_x.py", "README.md"})
	if want := (map[FileKind]int{Code: 2, Migration: 1, Documentation: 1}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
}
