package state_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/state"
)

func TestSnapshotRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 17, 400} {
		document := sampleDocument(n)
		data := encode(t, document)
		if diff := cmp.Diff(document, decode(t, data), cmp.Transformer("nil", nilSlice)); diff != "" {
			t.Errorf("%d artifacts (-want +got):\n%s", n, diff)
		}
		if again := encode(t, decode(t, data)); !bytes.Equal(data, again) {
			t.Errorf("%d artifacts: the same document gave other bytes", n)
		}
		if slow, err := state.Decode(iotest.OneByteReader(bytes.NewReader(data))); err != nil || len(slow.Artifacts) != n {
			t.Errorf("%d artifacts, byte by byte: %v", n, err)
		}
	}
}

// nilSlice makes empty and missing artifacts equal.
func nilSlice(list []*state.Artifact) []state.Artifact {
	var values []state.Artifact
	for _, artifact := range list {
		values = append(values, *artifact)
	}
	return values
}

func TestSnapshotIsOneJSONDocumentWithOneArtifactPerLine(t *testing.T) {
	data := encode(t, sampleDocument(3))
	var plain map[string]any
	if err := json.Unmarshal(data, &plain); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for line := range strings.Lines(string(data)) {
		var artifact struct {
			ID string `json:"id"`
		}
		line = strings.TrimSuffix(strings.TrimSpace(line), ",")
		if json.Unmarshal([]byte(line), &artifact) == nil && strings.HasPrefix(artifact.ID, "database-") {
			lines++
		}
	}
	if lines != 3 {
		t.Errorf("%d lines are an artifact, want 3:\n%s", lines, data)
	}
}

func TestSnapshotKeepsUnknownFields(t *testing.T) {
	data := string(encode(t, sampleDocument(2)))
	data = strings.Replace(data, `"artifacts":[`, `"rehearsals":[{"at":1}],"artifacts":[`, 1)
	data = strings.Replace(data, `{"id":"database-`, `{"labels":{"a":[1,2]},"id":"database-`, 1)
	data = strings.Replace(data, `{"destination":`, `{"tier":"cold","destination":`, 1)
	data = strings.Replace(data, `"kind":"backup"`, `"kind":"backup","cost":1.50`, 1)
	again := string(encode(t, decode(t, redigest([]byte(data)))))
	for _, kept := range []string{`"rehearsals":[{"at":1}]`, `"labels":{"a":[1,2]}`, `"tier":"cold"`, `"cost":1.50`} {
		if strings.Count(again, kept) != 1 {
			t.Errorf("%s was lost:\n%s", kept, again)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := string(encode(t, sampleDocument(3)))
	replace := func(old, new string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the sample has no %s", old)
		}
		return string(redigest([]byte(strings.Replace(good, old, new, 1))))
	}
	lines := strings.SplitAfter(good, "\n")
	for name, test := range map[string]struct{ data, want string }{
		"empty":               {"", "it is empty"},
		"blank":               {" \n", "ends in the middle"},
		"half":                {good[:len(good)/2], "ends in the middle, at byte"},
		"last byte missing":   {good[:len(good)-1], "digest"},
		"other file":          {"hello", "not valid JSON at byte 0"},
		"array":               {"[]\n", "does not fit"},
		"a line missing":      {strings.Replace(good, lines[2], "", 1), "altered"},
		"digit changed":       {strings.Replace(good, `"serial":41`, `"serial":40`, 1), "altered"},
		"digest changed":      {good[:len(good)-4] + flipHex(good[len(good)-4:]), "altered"},
		"appended":            {good + "{}", "not valid JSON"},
		"no version":          {replace(`"version":1,`, ""), "no version"},
		"no lineage":          {replace(`"lineage":"1d2c3b4a-0000-4000-8000-000000000000",`, ""), "no lineage"},
		"artifact twice":      {replace(lines[3], lines[2]), "is there twice"},
		"null artifact":       {replace(strings.TrimSuffix(lines[2], ",\n"), "null"), "artifact number 1 is null"},
		"unknown condition":   {replace(`"condition":"verified"`, `"condition":"odd"`), `condition "odd"`},
		"two copies at one":   {replace("destination.local.vm", "destination.gcs.primary"), "two copies at"},
		"no copies":           {replace(lines[2][strings.Index(lines[2], `"replicas":`):], "\"replicas\":[]},\n"), "has no copies"},
		"negative size":       {replace(`"size":529530880`, `"size":-1`), "negative size"},
		"member twice":        {replace(`"writer":"0.1.0"`, `"writer":"0.1.0","writer":"x"`), "duplicate"},
		"wrong type":          {replace(`"serial":41`, `"serial":"many"`), "/serial"},
		"intent without id":   {replace(`"id":"run/backup.database"`, `"id":""`), "intent number 1 has no id"},
		"no destination name": {replace("destination.gcs.primary", ""), "no destination"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := state.Decode(strings.NewReader(test.data))
			var damage *state.DamageError
			if !errors.As(err, &damage) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want a DamageError with %q", err, test.want)
			}
		})
	}
}

// flipHex changes the first hexadecimal digit.
func flipHex(text string) string {
	if text[0] == '0' {
		return "1" + text[1:]
	}
	return "0" + text[1:]
}

func TestDecodeRefusesNewerVersionsBeforeAllElse(t *testing.T) {
	for _, data := range []string{
		`{"version":2,"artifacts":"elsewhere"}`,
		strings.Replace(string(encode(t, sampleDocument(1))), `"version":1`, `"version":99`, 1),
	} {
		_, err := state.Decode(strings.NewReader(data))
		var newer *state.NewerError
		if !errors.As(err, &newer) || !strings.Contains(err.Error(), "upgrade imsctl") {
			t.Errorf("got %v", err)
		}
	}
}

func TestDecodeNoticesEveryAlteredBit(t *testing.T) {
	good := encode(t, sampleDocument(1))
	for i := range good {
		for bit := range 8 {
			good[i] ^= 1 << bit
			if _, err := state.Decode(bytes.NewReader(good)); err == nil {
				t.Fatalf("bit %d of byte %d was altered and nobody noticed", bit, i)
			}
			good[i] ^= 1 << bit
		}
	}
	for i := range good {
		if _, err := state.Decode(bytes.NewReader(good[:i])); err == nil {
			t.Fatalf("cut at byte %d and nobody noticed", i)
		}
	}
}

func TestDecodeReturnsErrorsOfTheReader(t *testing.T) {
	broken := errors.New("the disk is gone")
	good := encode(t, sampleDocument(40))
	for _, at := range []int{0, 100, 20_000} {
		_, err := state.Decode(io.MultiReader(bytes.NewReader(good[:at]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("at %d: %v", at, err)
		}
	}
}

func TestEncodeAcceptsTextThatIsNotUTF8AndRefusesContradictions(t *testing.T) {
	document := sampleDocument(2)
	document.Artifacts[0].Warnings = []string{"caf\xe9"}
	if got := decode(t, encode(t, document)).Artifacts[0].Warnings[0]; got != "caf\ufffd" {
		t.Errorf("got %q", got)
	}
	document.Artifacts[1] = document.Artifacts[0]
	if _, err := state.Encode(document); err == nil {
		t.Error("an artifact was written twice")
	}
}

func BenchmarkDecode50000(b *testing.B) {
	data := encode(b, sampleDocument(50_000))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := state.Decode(bytes.NewReader(data)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncode50000(b *testing.B) {
	document := sampleDocument(50_000)
	b.ReportAllocs()
	for b.Loop() {
		encode(b, document)
	}
}
