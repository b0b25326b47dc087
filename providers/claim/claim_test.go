package claim_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/claim"
	"github.com/castrolanda/imsctl/providers/host/local"
)

// machine is this one with its folder of locks somewhere else.
type machine struct {
	providers.Host
	folder string
}

func (m machine) Files() providers.FileSystem { return moved{m.Host.Files(), m.folder} }

// moved is a file system without /run/lock, whose /tmp is a folder of the test.
type moved struct {
	providers.FileSystem
	folder string
}

func (m moved) place(path string) string {
	return filepath.Join(m.folder, strings.TrimPrefix(path, "/tmp/"))
}

func (m moved) Lstat(path string) (providers.FileInfo, error) {
	if strings.HasPrefix(path, "/run/lock") {
		return providers.FileInfo{}, os.ErrNotExist
	}
	return m.FileSystem.Lstat(m.place(path))
}
func (m moved) Open(path string) (providers.ReadFile, error) { return m.FileSystem.Open(m.place(path)) }
func (m moved) Create(path string, mode os.FileMode) (providers.WriteFile, error) {
	return m.FileSystem.Create(m.place(path), mode)
}
func (m moved) Rename(from, to string) error { return m.FileSystem.Rename(m.place(from), m.place(to)) }
func (m moved) Link(from, to string) error   { return m.FileSystem.Link(m.place(from), m.place(to)) }
func (m moved) Remove(path string) error     { return m.FileSystem.Remove(m.place(path)) }

// reading is a source whose reading is a function.
type reading func(context.Context) error

func (reading) Format() providers.Format { return providers.Format{} }
func (reading) Inspect(context.Context) (providers.Inspection, error) {
	return providers.Inspection{}, nil
}
func (r reading) Read(ctx context.Context, _ string, _ io.Writer) (providers.Reading, error) {
	return providers.Reading{}, r(ctx)
}

func read(ctx context.Context, folder string, work reading) (providers.Reading, error) {
	return readAs(ctx, folder, providers.Claim{What: "files /srv"}, work)
}

func readAs(ctx context.Context, folder string, claimed providers.Claim, work reading) (providers.Reading, error) {
	return claim.Source(work, machine{local.New(), folder}, claimed, clock.System{}).Read(ctx, "run", io.Discard)
}

func nothingLeft(t *testing.T, folder string) {
	t.Helper()
	if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
		t.Errorf("left: %v %v", entries, err)
	}
}

func none(context.Context) error { return nil }

func TestOneAtATime(t *testing.T) {
	folder := t.TempDir()
	var held *claim.HeldError
	if _, err := read(t.Context(), folder, func(ctx context.Context) error {
		_, err := read(ctx, folder, func(context.Context) error { t.Error("it was read twice at once"); return nil })
		if !errors.As(err, &held) || !strings.Contains(err.Error(), "files /srv on local is being read by another imsctl, of ") {
			t.Errorf("got %v", err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, folder)
	failure := errors.New("failure")
	if _, err := read(t.Context(), folder, func(context.Context) error { return failure }); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	nothingLeft(t, folder)
}

// named is a machine that people call something else.
type named struct{ machine }

func (named) Name() string { return "vm" }

// TestWhatIsTheSame reads while something is being read, which is refused where it is the same, whatever its host is called.
func TestWhatIsTheSame(t *testing.T) {
	secret := []string{"dump", "PASSWORD=swordfish"}
	for name, test := range map[string]struct {
		first, second providers.Claim
		same          bool
	}{
		"the same":           {providers.Claim{What: "a"}, providers.Claim{What: "a"}, true},
		"another name":       {providers.Claim{What: "a"}, providers.Claim{What: "b"}, false},
		"the same with more": {providers.Claim{What: "a", More: secret}, providers.Claim{What: "a", More: secret}, true},
		"less":               {providers.Claim{What: "a", More: secret}, providers.Claim{What: "a"}, false},
		"another secret":     {providers.Claim{What: "a", More: secret}, providers.Claim{What: "a", More: []string{"dump", "PASSWORD=other"}}, false},
		"cut elsewhere":      {providers.Claim{What: "a", More: []string{"ab", "c"}}, providers.Claim{What: "a", More: []string{"a", "bc"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			if _, err := readAs(t.Context(), folder, test.first, func(ctx context.Context) error {
				_, err := claim.Source(reading(none), named{machine{local.New(), folder}}, test.second, clock.System{}).Read(ctx, "run", io.Discard)
				var held *claim.HeldError
				if errors.As(err, &held) != test.same || err != nil && (!test.same || strings.Contains(err.Error(), "swordfish")) {
					t.Errorf("got %v", err)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			nothingLeft(t, folder)
		})
	}
}

// going is a source that goes on.
type going struct {
	reading
	after string
}

func (g going) After(position string) (providers.Source, error) {
	if position == "" {
		return nil, errors.New("no position")
	}
	return going{g.reading, position}, nil
}

func (g going) Read(ctx context.Context, run string, w io.Writer) (providers.Reading, error) {
	if _, err := g.reading.Read(ctx, run, w); err != nil {
		return providers.Reading{}, err
	}
	return providers.Reading{Position: g.after + " and on"}, nil
}

// TestSourceThatGoesOn is locked after a position too.
func TestSourceThatGoesOn(t *testing.T) {
	folder := t.TempDir()
	source := claim.Source(going{reading: func(ctx context.Context) error {
		_, err := read(ctx, folder, none)
		var held *claim.HeldError
		if !errors.As(err, &held) {
			t.Errorf("got %v", err)
		}
		return nil
	}}, machine{local.New(), folder}, providers.Claim{What: "files /srv"}, clock.System{})
	if _, err := source.(providers.Continuing).After(""); err == nil {
		t.Error("the error of a position was lost")
	}
	after, err := source.(providers.Continuing).After("here")
	if err != nil {
		t.Fatal(err)
	}
	if result, err := after.Read(t.Context(), "run", io.Discard); err != nil || result.Position != "here and on" || len(result.Warnings) > 0 {
		t.Errorf("got %+v, %v", result, err)
	}
	if _, goes := claim.Source(reading(none), machine{local.New(), folder}, providers.Claim{What: "a"}, clock.System{}).(providers.Continuing); goes {
		t.Error("a source that does not go on does")
	}
	nothingLeft(t, folder)
}

// lockFile is the lock while it is held, and what it says.
func lockFile(t *testing.T, folder string) (string, map[string]any) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, "*.lock"))
	if err != nil || len(found) != 1 {
		t.Fatalf("locks: %v, %v", found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	var said map[string]any
	if err := json.Unmarshal(text, &said); err != nil {
		t.Fatal(err)
	}
	return found[0], said
}

// TestHoldersThatAreGone leaves locks as somebody would whose process or machine died, and as one who lives.
func TestHoldersThatAreGone(t *testing.T) {
	folder := t.TempDir()
	var name string
	var said map[string]any
	if _, err := read(t.Context(), folder, func(context.Context) error { name, said = lockFile(t, folder); return nil }); err != nil {
		t.Fatal(err)
	}
	const noProcess = 1 << 30
	for _, test := range []struct {
		name   string
		change func()
		age    time.Duration
		held   bool
	}{
		{"a process of this machine that is gone", func() { said["pid"] = noProcess }, 0, false},
		{"another machine", func() { said["machine"] = "other" }, 0, true},
		{"another machine, a while ago", func() { said["machine"] = "other" }, time.Minute, true},
		{"another machine, without a sign of life", func() { said["machine"] = "other" }, 2 * time.Minute, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.change()
			text, err := json.Marshal(said)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, text, 0o644); err != nil {
				t.Fatal(err)
			}
			then := time.Now().Add(-test.age)
			if err := os.Chtimes(name, then, then); err != nil {
				t.Fatal(err)
			}
			_, err = read(t.Context(), folder, none)
			var held *claim.HeldError
			if errors.As(err, &held) != test.held || !test.held && err != nil {
				t.Errorf("got %v", err)
			}
			if test.held {
				if err := os.Remove(name); err != nil {
					t.Error(err)
				}
			}
			nothingLeft(t, folder)
		})
	}
}

// TestLongReading is renewed, so that nobody takes it for gone, and ends when somebody has its lock all the same.
func TestLongReading(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		_, err := read(context.Background(), folder, func(ctx context.Context) error {
			name, said := lockFile(t, folder)
			before, err := os.Stat(name)
			if err != nil {
				return err
			}
			time.Sleep(16 * time.Second) // once
			synctest.Wait()
			if after, err := os.Stat(name); err != nil || os.SameFile(before, after) {
				t.Errorf("it was not renewed: %v", err)
			}
			said["id"] = "somebody else"
			text, err := json.Marshal(said)
			if err != nil {
				return err
			}
			if err := os.WriteFile(name, text, 0o644); err != nil {
				return err
			}
			<-ctx.Done()
			return ctx.Err()
		})
		if err == nil || !strings.Contains(err.Error(), "taken by somebody else") {
			t.Errorf("got %v", err)
		}
	})
	lockFile(t, folder)
}

// TestWithoutAPlace reads with a warning.
func TestWithoutAPlace(t *testing.T) {
	result, err := read(t.Context(), filepath.Join(t.TempDir(), "missing"), none)
	if err != nil || len(result.Warnings) != 1 || !strings.Contains(result.Warnings[0], "without a lock") {
		t.Errorf("got %+v, %v", result, err)
	}
}
