package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, zero or more. Its text is a number with a unit: B, kB, MB, GB, TB (powers of 1000) or
// KiB, MiB, GiB, TiB (powers of 1024).
type Size int64

var sizeUnits = []struct {
	name string
	size float64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// ParseSize reads a Size. The error says what is wrong and shows a correct example.
func ParseSize(text string) (Size, error) {
	trimmed := strings.TrimSpace(text)
	for _, unit := range sizeUnits {
		number, found := strings.CutSuffix(trimmed, unit.name)
		if !found {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || value < 0 || math.IsNaN(value) {
			return 0, fmt.Errorf("size %q is not a number with a unit: write \"16MiB\" or \"2GB\"", text)
		}
		if value*unit.size >= math.MaxInt64 {
			return 0, fmt.Errorf("size %q is larger than any disk", text)
		}
		return Size(value * unit.size), nil
	}
	return 0, fmt.Errorf("size %q has no known unit: write \"16MiB\" or \"2GB\"", text)
}

// UnmarshalText implements encoding.TextUnmarshaler with ParseSize.
func (s *Size) UnmarshalText(text []byte) error {
	parsed, err := ParseSize(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}

// MarshalText implements encoding.TextMarshaler with String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// String prints the size exactly, in the largest binary unit that divides it.
func (s Size) String() string {
	for _, unit := range sizeUnits[:4] {
		if whole := int64(unit.size); int64(s) >= whole && int64(s)%whole == 0 {
			return strconv.FormatInt(int64(s)/whole, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// Bytes prints a number of bytes roughly, for people: "0 B", "512 B", "1.7 GiB".
func Bytes(n int64) string {
	value, name := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB", "PiB"} {
		if math.Abs(value) < 1024 {
			break
		}
		value, name = value/1024, next
	}
	if name == "B" || math.Abs(value) >= 100 {
		return fmt.Sprintf("%.0f %s", value, name)
	}
	return fmt.Sprintf("%.1f %s", value, name)
}
