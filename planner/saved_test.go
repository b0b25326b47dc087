package planner

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// savedText saves the busy plan.
func savedText(t testing.TB) string {
	t.Helper()
	var buffer bytes.Buffer
	if err := Save(&buffer, savedBusy(t)); err != nil {
		t.Fatal(err)
	}
	return buffer.String()
}

func savedBusy(t testing.TB) SavedPlan {
	return SavedPlan{
		SpecPath: "/etc/ims/ims.hcl", Variables: map[string]string{"bucket": "b"}, VariableFiles: []string{"prod.vars.hcl"},
		Plan: busyScene(t).diff(),
	}
}

func TestSavedPlanComesBackTheSame(t *testing.T) {
	saved := savedBusy(t)
	loaded, err := LoadSaved(strings.NewReader(savedText(t)))
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(&saved, loaded); difference != "" {
		t.Errorf("loaded (-want +got):\n%s", difference)
	}
	var again bytes.Buffer
	if err := Save(&again, *loaded); err != nil {
		t.Fatal(err)
	}
	if again.String() != savedText(t) {
		t.Error("saving it again gives other bytes")
	}
}

func TestAnEmptyPlanComesBack(t *testing.T) {
	var buffer bytes.Buffer
	if err := Save(&buffer, SavedPlan{Plan: newYoungScene(t).diff()}); err != nil {
		t.Fatal(err)
	}
	loaded, err := LoadSaved(&buffer)
	if err != nil || loaded.Plan.HasChanges() {
		t.Errorf("got %+v, %v", loaded, err)
	}
}

func TestLoadSavedRefuses(t *testing.T) {
	text := savedText(t)
	prune := "backup.database@destination.local.a#database-20261022T120000Z-abcdef"
	other := "backup.database@destination.local.a#database-20261102T120000Z-abcdef"
	for _, c := range []struct{ name, from, to, reason string }{
		{"another format version", `"format_version":"2.0"`, `"format_version":"1.0"`, `format version "1.0"`},
		{"another file", text, `{"resources":[]}`, "not a saved plan"},
		{"no JSON", text, "hello", "not a saved plan"},
		{"nothing", text, "", "not a saved plan"},
		{"something after the end", text, text + "{}", "not a saved plan"},
		{"an unknown kind", `"kind":"forget"`, `"kind":"destroy"`, `"destroy" is not a kind`},
		{"an unknown field", `"remaining":`, `"leaving":`, "leaving"},
		{"a field twice", `"remaining":`, `"remaining":9,"remaining":`, "remaining"},
		{"another kind's fields", `"kind":"forget"`, `"kind":"prune"`, "not a key"},
		{"a prune that leaves nothing", `"remaining":7`, `"remaining":0`, "would leave no verified copy"},
		{"a key that leads elsewhere", `"key":"database/database-20261022`, `"key":"../database/database-20261022`, "is not a key"},
		{"an address of something else", `"address":"` + prune + `"`, `"address":"` + prune + `0"`, "not that of what it does"},
		{"an artifact other than the address says", `"artifact":"database-20261022T120000Z-abcdef"`, `"artifact":"database-20261122T120000Z-abcdef"`, "not that of what it does"},
		{"the same address twice", other, prune, "out of order or there twice"},
		{"a dependency that leads nowhere", `"after":["backup.database",`, `"after":["backup.nothing",`, "which is not in the plan"},
		{"a dependency on itself", `"after":["backup.database",`, `"after":["` + prune + `",`, "waits for itself"},
		{"a backup that is none", `"backup":"backup.keycloak"`, `"backup":"source.keycloak"`, "not the address of a backup"},
		{"a cause that is none", `"cause":"time"`, `"cause":"whim"`, "not a cause"},
		{"no fingerprint", `"backup.keycloak":"`, `"backup.other":"`, "no fingerprint"},
		{"no time", `"created_at":"2026-11-22T12:00:00Z"`, `"created_at":"0001-01-01T00:00:00Z"`, "when it was made"},
		{"more copies than destinations", `"min_copies":1`, `"min_copies":5`, "min_copies"},
		{"no copies", `"min_copies":1`, `"min_copies":0`, "min_copies"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(text, c.from, c.to, 1)
			if changed == text {
				t.Fatalf("the plan does not contain %s:\n%s", c.from, text)
			}
			_, err := LoadSaved(strings.NewReader(changed))
			if err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want an error that says %q", err, c.reason)
			}
		})
	}
}

func TestLoadSavedRefusesDependenciesInACircle(t *testing.T) {
	plan := busyScene(t).diff()
	plan.Actions[0].Common().After = []string{plan.Actions[1].Common().Address}
	plan.Actions[1].Common().After = []string{plan.Actions[0].Common().Address}
	var buffer bytes.Buffer
	if err := Save(&buffer, SavedPlan{Plan: plan}); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSaved(&buffer); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("got %v", err)
	}
}

func TestLoadSavedRefusesACutFile(t *testing.T) {
	text := savedText(t)
	for length := range len(text) {
		if _, err := LoadSaved(strings.NewReader(text[:length])); err == nil {
			t.Fatalf("the first %d of %d bytes were accepted", length, len(text))
		}
	}
}

func TestSavedPlanCheck(t *testing.T) {
	const maxAge = 24 * time.Hour
	for _, c := range []struct {
		name   string
		change func(s *scene, saved *SavedPlan)
		reason string
	}{
		{"nothing changed", func(*scene, *SavedPlan) {}, ""},
		{"another backup moved", func(s *scene, _ *SavedPlan) { s.have(2*hour, placeA).Backup = "backup.other" }, ""},
		{"only a time of verification moved", func(s *scene, _ *SavedPlan) { s.document.Artifacts[0].Replicas[0].VerifiedAt = s.now }, ""},
		{"the first state was written since, by another backup", func(s *scene, saved *SavedPlan) { saved.Plan.Lineage = "" }, ""},
		{"its own backup moved", func(s *scene, _ *SavedPlan) { s.have(2*hour, placeA) }, "the state of backup.database has changed"},
		{"its own backup is being worked on", func(s *scene, _ *SavedPlan) { s.intend(KindBackup, s.make(0), placeA) }, "backup.database"},
		{"the specification", func(s *scene, _ *SavedPlan) { s.spec.Digest = "other" }, "specification"},
		{"another state", func(s *scene, _ *SavedPlan) { s.document.Lineage = "other" }, "another state"},
		{"too old", func(s *scene, _ *SavedPlan) { s.now = s.now.Add(25 * hour) }, "25h old"},
		{"from the future", func(s *scene, _ *SavedPlan) { s.now = s.now.Add(-hour) }, "future"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newScene(t, placeA, placeB)
			s.have(26*hour, placeA)
			saved := &SavedPlan{SpecPath: "ims.hcl", Plan: s.diff()}
			c.change(s, saved)
			err := saved.Check(s.spec, s.document, s.now, maxAge)
			if c.reason == "" && err != nil {
				t.Errorf("got %v", err)
			}
			if c.reason != "" && (err == nil || !strings.Contains(err.Error(), c.reason) || !strings.Contains(err.Error(), "new plan")) {
				t.Errorf("got %v, want an error that says %q", err, c.reason)
			}
		})
	}
}

// Whatever is accepted is a plan that keeps its promises and can be saved, loaded and shown again.
func FuzzLoadSaved(f *testing.F) {
	text := savedText(f)
	f.Add([]byte(text))
	f.Add([]byte(text[:len(text)/2]))
	f.Add([]byte(`{"type":"saved_plan","format_version":"2.0"}`))
	f.Add([]byte(`{"type":"saved_plan","format_version":"2.0","created_at":"2026-11-22T12:00:00Z","actions":[{"kind":"blocked","action":{"address":"backup.x","backup":"backup.x","reason":"y","cause":"time","failed":true}}],"fingerprints":{"backup.x":""}}`))
	f.Add([]byte(`{"type":"saved_plan","format_version":"2.0","created_at":"2026-11-22T12:00:00Z","actions":[{"kind":"blocked","action":null}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		saved, err := LoadSaved(bytes.NewReader(data))
		if err != nil {
			return
		}
		if err := check(saved.Plan); err != nil {
			t.Fatal(err)
		}
		if err := WriteText(&bytes.Buffer{}, saved.Plan, RenderOptions{Verbose: true}); err != nil {
			t.Fatal(err)
		}
		if _, err := MarshalJSONDocument(saved.Plan, ""); err != nil {
			t.Fatal(err)
		}
		var buffer bytes.Buffer
		if err := Save(&buffer, *saved); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadSaved(&buffer); err != nil {
			t.Fatal(err)
		}
	})
}
