package strategy

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/spelling"
)

// heaviest is the largest weight.
const heaviest = 100

// Weights are what the factors count: 0 to 100 each, in steps of a hundredth. The zero Weights count nothing.
type Weights struct {
	hundredths [factorCount]int
}

// DefaultWeights are those that hold where nothing else is said.
func DefaultWeights() Weights {
	var w Weights
	for i, f := range factors {
		w.hundredths[i] = f.weight * 100
	}
	return w
}

// FactorNames are the factors that have a weight, in the order of the table.
func FactorNames() []string {
	var names []string
	for _, f := range factors {
		names = append(names, f.name)
	}
	return names
}

// Of is the weight of a factor, 0 where there is no such factor.
func (w Weights) Of(name string) float64 {
	for i, f := range factors {
		if f.name == name {
			return float64(w.hundredths[i]) / 100
		}
	}
	return 0
}

// With returns the weights with some of them replaced, by the names of their factors. All mistakes are in the error, in the order of the
// alphabet: unknown names, with the nearest one, and weights out of range.
func (w Weights) With(overrides map[string]float64) (Weights, error) {
	var mistakes []error
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		weight := overrides[name]
		at := slices.Index(FactorNames(), name)
		switch {
		case name == freezeFactor:
			mistakes = append(mistakes, errors.New(`the factor "freeze" has no weight: while a freeze lasts, nothing is deployed`))
		case at < 0:
			mistakes = append(mistakes, fmt.Errorf("there is no factor %q%s", name, meant(name)))
		case math.IsNaN(weight) || weight < 0 || weight > heaviest:
			mistakes = append(mistakes, fmt.Errorf("the weight of %q is %v: write a number from 0 to %d", name, weight, heaviest))
		default:
			w.hundredths[at] = int(math.Round(weight * 100))
		}
	}
	if len(mistakes) > 0 {
		return Weights{}, errors.Join(mistakes...)
	}
	return w, nil
}

// meant says which factor could have been meant, or which there are.
func meant(name string) string {
	if nearest := spelling.Nearest(name, FactorNames()); nearest != "" {
		return fmt.Sprintf("; did you mean %q?", nearest)
	}
	return "; there is " + strings.Join(FactorNames(), ", ")
}
