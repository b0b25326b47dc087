package report

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestColoursOfCharts holds the colours of marks against what they stand on, in both schemes: axe looks at text only. WCAG asks
// for 3 to 1 between what has to be told apart in a picture, and 4.5 to 1 for text.
func TestColoursOfCharts(t *testing.T) {
	style, err := files.ReadFile("templates/style.css")
	if err != nil {
		t.Fatal(err)
	}
	light, rest, found := strings.Cut(string(style), "@media (prefers-color-scheme: dark)")
	if !found {
		t.Fatal("there is no dark scheme")
	}
	dark, _, _ := strings.Cut(rest, "*, *::before")
	for scheme, text := range map[string]string{"light": light, "dark": dark} {
		colours := make(map[string]float64)
		for _, set := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6})`).FindAllStringSubmatch(text, -1) {
			colours[set[1]] = luminance(t, set[2])
		}
		for _, c := range []struct {
			front, back string
			least       float64
		}{
			{"mark", "band", 3}, {"mark", "card", 3}, {"wrong", "band", 3}, {"wrong", "card", 3}, {"watch", "band", 3}, {"watch", "card", 3},
			{"well", "paper", 3}, {"soft", "card", 3}, {"ink", "band", 3}, {"mark", "paper", 3},
			{"ink", "paper", 4.5}, {"soft", "paper", 4.5}, {"soft", "card", 4.5}, {"ink", "watch-tint", 4.5}, {"ink", "wrong-tint", 4.5},
			{"well", "well-tint", 4.5}, {"watch", "watch-tint", 4.5}, {"wrong", "wrong-tint", 4.5}, {"soft", "faint", 4.5},
		} {
			front, ok := colours[c.front]
			back, also := colours[c.back]
			if !ok || !also {
				t.Fatalf("%s: there is no %s or no %s", scheme, c.front, c.back)
			}
			if got := contrast(front, back); got < c.least {
				t.Errorf("%s: %s on %s is %.2f to 1, %g are wanted", scheme, c.front, c.back, got, c.least)
			}
		}
	}
}

// luminance is the relative luminance of a colour, by the definition of WCAG 2.
func luminance(t *testing.T, hexadecimal string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		value, err := strconv.ParseUint(hexadecimal[2*i:2*i+2], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		part := float64(value) / 255
		if part <= 0.04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}

func contrast(one, other float64) float64 {
	return (max(one, other) + 0.05) / (min(one, other) + 0.05)
}
