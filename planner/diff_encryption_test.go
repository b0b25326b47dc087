package planner

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// fakeEncryption has recipients and encrypts nothing.
type fakeEncryption struct {
	providers.Encryption
	recipients []string
}

func (f fakeEncryption) Recipients() []string { return f.recipients }

func encryptTo(recipients ...string) providers.Encryption {
	return fakeEncryption{recipients: recipients}
}

func TestPlanSaysForWhom(t *testing.T) {
	s := newScene(t, placeA)
	s.spec.Backups[0].Encryption = encryptTo("age1one", "age1two")
	plan := s.diff()
	backup, ok := plan.Actions[0].(*Backup)
	if !ok || !slices.Equal(backup.Recipients, []string{"age1one", "age1two"}) {
		t.Fatalf("%+v", plan.Actions[0])
	}
	var markdown bytes.Buffer
	if err := WriteMarkdown(&markdown, plan, 5000); err != nil {
		t.Fatal(err)
	}
	data, err := MarshalJSONDocument(plan, "test")
	if err != nil {
		t.Fatal(err)
	}
	for where, text := range map[string]string{"text": string(render(t, plan, RenderOptions{})), "Markdown": markdown.String()} {
		if !strings.Contains(text, "encrypted to 2 recipients") {
			t.Errorf("the %s does not say for how many:\n%s", where, text)
		}
	}
	if !bytes.Contains(data, []byte(`"recipients":["age1one","age1two"]`)) {
		t.Errorf("the JSON does not say for whom: %s", data)
	}
	s.spec.Backups[0].Encryption = nil
	if text := render(t, s.diff(), RenderOptions{}); bytes.Contains(text, []byte("encrypted")) {
		t.Errorf("it is not to be encrypted:\n%s", text)
	}
}

// What is there already is judged by how it was encrypted, not by what the specification says by now.
func TestNotesOnEncryption(t *testing.T) {
	mine := &state.Encryption{Format: "age", Recipients: []string{"age1one", "age1two"}}
	for name, test := range map[string]struct {
		has   *state.Encryption
		wants providers.Encryption
		note  string
	}{
		"neither":           {nil, nil, ""},
		"the same":          {mine, encryptTo("age1two", "age1one"), ""},
		"in clear":          {nil, encryptTo("age1one"), "1 artifact of backup.database is not encrypted"},
		"one more by now":   {mine, encryptTo("age1one", "age1two", "age1three"), "1 artifact of backup.database is encrypted to other recipients"},
		"nobody by now":     {mine, nil, "1 artifact of backup.database is encrypted, and encrypt_to lists nobody"},
		"only some by now":  {mine, encryptTo("age1two"), "encrypted to other recipients"},
		"somebody else now": {mine, encryptTo("age1x", "age1y"), "encrypted to other recipients"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, placeA)
			s.have(hour, placeA).Encryption = test.has
			s.have(2*hour, placeA).Encryption = &state.Encryption{Format: "age", Recipients: []string{"age1gone"}}
			s.loseCopy(placeA, s.document.Artifacts[1])
			s.spec.Backups[0].Encryption = test.wants
			plan := s.diff()
			var notes []string
			for _, note := range plan.Notes {
				if strings.Contains(note.Text, "encrypt") {
					notes = append(notes, note.Text)
				}
			}
			if len(notes) > 1 || (test.note == "") != (len(notes) == 0) || len(notes) == 1 && !strings.Contains(notes[0], test.note) {
				t.Errorf("%q, want %q", notes, test.note)
			}
			if plan.Count(KindBackup)+plan.Count(KindVerify)+plan.Count(KindRepair) > 0 {
				t.Errorf("something is done about it: %s", render(t, plan, RenderOptions{}))
			}
		})
	}
}
