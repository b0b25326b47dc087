package openmetrics_test

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/castrolanda/imsctl/internal/openmetrics"
)

func TestEncode(t *testing.T) {
	families := []openmetrics.Family{
		{Name: "size_bytes", Unit: "bytes", Help: "How much.", Samples: []openmetrics.Sample{
			{Labels: []openmetrics.Label{{Name: "of", Value: `all["a\b"]` + "\n"}, {Name: "kind", Value: "raw"}}, Value: 1764374400.25},
			{Labels: []openmetrics.Label{{Name: "of", Value: "\xff"}, {Name: "kind", Value: ""}}, Value: 3e20},
		}},
		{Name: "none", Help: "Nothing of it."},
		{Name: "info", Help: "What it is.", Samples: []openmetrics.Sample{{Value: 1}}},
	}
	const want = `# HELP info What it is.
# TYPE info gauge
info 1
# HELP size_bytes How much.
# TYPE size_bytes gauge
# UNIT size_bytes bytes
size_bytes{kind="",of="` + "\uFFFD" + `"} 3e+20
size_bytes{kind="raw",of="all[\"a\\b\"]\n"} 1764374400.25
# EOF
`
	for range 2 {
		encoded, err := openmetrics.Encode(families)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(encoded)); diff != "" {
			t.Error(diff)
		}
		slices.Reverse(families)
	}
	if families[0].Name != "size_bytes" || families[0].Samples[0].Labels[0].Name != "of" {
		t.Error("the families of the caller were changed")
	}
}

func TestEncodeRefuses(t *testing.T) {
	one := func(labels ...openmetrics.Label) []openmetrics.Family {
		return []openmetrics.Family{{Name: "a", Help: "A.", Samples: []openmetrics.Sample{{Labels: labels}}}}
	}
	for want, families := range map[string][]openmetrics.Family{
		`"a-b" is no name of a metric`:                   {{Name: "a-b", Help: "A."}},
		"the metric a does not end with its unit, bytes": {{Name: "a", Unit: "bytes", Help: "A."}},
		"the metric a needs a help":                      {{Name: "a"}},
		"the metric b needs a help":                      {{Name: "b", Help: `A "b".`}},
		"the metric a is there twice":                    {{Name: "a", Help: "A."}, {Name: "a", Help: "A."}},
		"the metric a has two samples for":               {{Name: "a", Help: "A.", Samples: make([]openmetrics.Sample, 2)}},
		`the metric a: "__b" is no name of a label`:      one(openmetrics.Label{Name: "__b"}),
		`the metric a: "" is no name of a label`:         one(openmetrics.Label{}),
		"the metric a: the label b is there twice":       one(openmetrics.Label{Name: "b"}, openmetrics.Label{Name: "b", Value: "c"}),
	} {
		if _, err := openmetrics.Encode(families); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// FuzzEncode reads back with a reader of its own what was written, whatever the values are.
func FuzzEncode(f *testing.F) {
	f.Add("all[\"a\"]", "\\n\n", 1.5)
	f.Add("\"},x=\"", "# EOF\n", math.Inf(-1))
	f.Add("\xff\x00", "", math.NaN())
	f.Fuzz(func(t *testing.T, first, second string, value float64) {
		family := openmetrics.Family{Name: "a_seconds", Unit: "seconds", Help: "A.", Samples: []openmetrics.Sample{
			{Labels: []openmetrics.Label{{Name: "first", Value: first}, {Name: "second", Value: second}}, Value: value},
			{Value: -value},
		}}
		encoded, err := openmetrics.Encode([]openmetrics.Family{family})
		if err != nil {
			t.Fatal(err)
		}
		if !utf8.Valid(encoded) {
			t.Errorf("not UTF-8: %q", encoded)
		}
		read, err := parse(string(encoded))
		if err != nil {
			t.Fatalf("%v\n%s", err, encoded)
		}
		for i := range family.Samples[0].Labels {
			label := &family.Samples[0].Labels[i]
			label.Value = strings.ToValidUTF8(label.Value, "\uFFFD")
		}
		slices.Reverse(family.Samples)
		if diff := cmp.Diff([]openmetrics.Family{family}, read, cmpopts.EquateNaNs()); diff != "" {
			t.Error(diff)
		}
	})
}

// parse is a strict reader of what Encode may write.
func parse(text string) ([]openmetrics.Family, error) {
	text, ended := strings.CutSuffix(text, "# EOF\n")
	if !ended {
		return nil, fmt.Errorf("it does not end with EOF")
	}
	var families []openmetrics.Family
	for line := range strings.Lines(text) {
		line, whole := strings.CutSuffix(line, "\n")
		if !whole {
			return nil, fmt.Errorf("%q does not end", line)
		}
		if words := strings.SplitN(line, " ", 4); words[0] == "#" && len(words) == 4 {
			if words[1] == "HELP" {
				families = append(families, openmetrics.Family{Name: words[2], Help: words[3]})
			}
			family := &families[len(families)-1]
			switch {
			case family.Name != words[2] || len(family.Samples) > 0:
				return nil, fmt.Errorf("%q is about another metric", line)
			case words[1] == "UNIT":
				family.Unit = words[3]
			case words[1] == "TYPE" && words[3] != "gauge":
				return nil, fmt.Errorf("%q is no gauge", line)
			}
			continue
		}
		family := &families[len(families)-1]
		rest, found := strings.CutPrefix(line, family.Name)
		if !found {
			return nil, fmt.Errorf("%q is of another metric", line)
		}
		sample, err := parseSample(rest)
		if err != nil {
			return nil, err
		}
		family.Samples = append(family.Samples, sample)
	}
	return families, nil
}

// parseSample reads what follows the name of a metric.
func parseSample(rest string) (sample openmetrics.Sample, err error) {
	for separator := "{"; strings.HasPrefix(rest, separator); separator = "," {
		name, quoted, found := strings.Cut(rest[1:], `="`)
		if !found {
			return sample, fmt.Errorf("no label in %q", rest)
		}
		var value strings.Builder
		i := 0
		for ; i < len(quoted) && quoted[i] != '"'; i++ {
			if quoted[i] == '\\' && i+1 < len(quoted) {
				i++
				value.WriteString(map[byte]string{'n': "\n", '\\': `\`, '"': `"`}[quoted[i]])
				continue
			}
			value.WriteByte(quoted[i])
		}
		if i == len(quoted) {
			return sample, fmt.Errorf("no end of the value in %q", rest)
		}
		sample.Labels = append(sample.Labels, openmetrics.Label{Name: name, Value: value.String()})
		rest = quoted[i+1:]
	}
	if len(sample.Labels) > 0 {
		rest = strings.TrimPrefix(rest, "}")
	}
	number, found := strings.CutPrefix(rest, " ")
	if !found {
		return sample, fmt.Errorf("no value in %q", rest)
	}
	sample.Value, err = strconv.ParseFloat(number, 64)
	return sample, err
}
