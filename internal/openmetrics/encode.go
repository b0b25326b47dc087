// Package openmetrics writes gauges in the text format of OpenMetrics 1.0. Whatever reads the older text format of Prometheus, such as the
// textfile collector of node_exporter, reads the same bytes: so there are gauges and no other types, and no timestamps of samples.
package openmetrics

import (
	"bytes"
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Family is a gauge with all of its samples.
type Family struct {
	// Name says what is measured, and ends with an underscore and the Unit where there is one.
	Name string
	// Unit is one word without a prefix ("seconds", "bytes", "ratio"); empty for counts, and for what is true or not.
	Unit string
	// Help is a sentence on one line. A quotation mark or a backslash is refused: the two formats differ in how they write them.
	Help string
	// Samples have different labels each.
	Samples []Sample
}

// Sample is one value.
type Sample struct {
	Labels []Label
	Value  float64
}

// Label tells samples of a family apart. Values are any text; bytes that are not UTF-8 are replaced.
type Label struct{ Name, Value string }

var (
	familyName = regexp.MustCompile(`^[a-zA-Z_:][a-zA-Z0-9_:]*$`)
	labelName  = regexp.MustCompile(`^([a-zA-Z]|_[a-zA-Z0-9])[a-zA-Z0-9_]*$`)
)

// Encode returns the families as a whole exposition, ordered by name and by labels; those without samples are left out. The same
// families give the same bytes in whatever order they come. A name that the format does not have, and one family or sample that is
// there twice, are errors of whoever calls.
func Encode(families []Family) ([]byte, error) {
	families = slices.Clone(families)
	slices.SortStableFunc(families, func(a, b Family) int { return cmp.Compare(a.Name, b.Name) })
	var out bytes.Buffer
	for i, family := range families {
		if i > 0 && families[i-1].Name == family.Name {
			return nil, fmt.Errorf("the metric %s is there twice", family.Name)
		}
		if err := family.check(); err != nil {
			return nil, err
		}
		if err := family.encode(&out); err != nil {
			return nil, err
		}
	}
	out.WriteString("# EOF\n")
	return out.Bytes(), nil
}

// check says what the format does not allow in a family.
func (f Family) check() error {
	switch {
	case !familyName.MatchString(f.Name):
		return fmt.Errorf("%q is no name of a metric", f.Name)
	case f.Unit != "" && !strings.HasSuffix(f.Name, "_"+f.Unit):
		return fmt.Errorf("the metric %s does not end with its unit, %s", f.Name, f.Unit)
	case f.Help == "" || strings.ContainsAny(f.Help, "\"\\\n\r"):
		return fmt.Errorf("the metric %s needs a help of one line, without quotation marks and backslashes", f.Name)
	}
	return nil
}

// encode writes what is known of the family, and a line for each sample.
func (f Family) encode(out *bytes.Buffer) error {
	if len(f.Samples) == 0 {
		return nil
	}
	lines := make([]string, 0, len(f.Samples))
	values := make(map[string]float64, len(f.Samples))
	for _, sample := range f.Samples {
		labels, err := encodeLabels(sample.Labels)
		if err != nil {
			return fmt.Errorf("the metric %s: %w", f.Name, err)
		}
		if _, twice := values[labels]; twice {
			return fmt.Errorf("the metric %s has two samples for %s", f.Name, labels)
		}
		values[labels] = sample.Value
		lines = append(lines, labels)
	}
	slices.Sort(lines)
	fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s gauge\n", f.Name, strings.ToValidUTF8(f.Help, "\uFFFD"), f.Name)
	if f.Unit != "" {
		fmt.Fprintf(out, "# UNIT %s %s\n", f.Name, f.Unit)
	}
	for _, labels := range lines {
		fmt.Fprintf(out, "%s%s %s\n", f.Name, labels, number(values[labels]))
	}
	return nil
}

// escaped are the characters that stand for themselves nowhere in the value of a label.
var escaped = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// encodeLabels writes labels in the order of their names, in braces; nothing where there are none.
func encodeLabels(labels []Label) (string, error) {
	if len(labels) == 0 {
		return "", nil
	}
	labels = slices.Clone(labels)
	slices.SortStableFunc(labels, func(a, b Label) int { return cmp.Compare(a.Name, b.Name) })
	var out strings.Builder
	separator := "{"
	for i, label := range labels {
		switch {
		case !labelName.MatchString(label.Name):
			return "", fmt.Errorf("%q is no name of a label", label.Name)
		case i > 0 && labels[i-1].Name == label.Name:
			return "", fmt.Errorf("the label %s is there twice", label.Name)
		}
		fmt.Fprintf(&out, `%s%s="%s"`, separator, label.Name, escaped.Replace(strings.ToValidUTF8(label.Value, "\uFFFD")))
		separator = ","
	}
	out.WriteByte('}')
	return out.String(), nil
}

// plainBelow is from where on a number is written with an exponent.
const plainBelow = 1e15

// number writes a value so that it is read back as the same one.
func number(value float64) string {
	if value > -plainBelow && value < plainBelow {
		return strconv.FormatFloat(value, 'f', -1, 64)
	}
	return strconv.FormatFloat(value, 'g', -1, 64)
}
