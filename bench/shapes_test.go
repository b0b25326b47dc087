package main

import (
	"math"
	"testing"
)

func TestExponent(t *testing.T) {
	sizes := []float64{500, 1000, 2000, 5000, 8000}
	for _, want := range []float64{0.5, 1, 2} {
		var times []float64
		for _, size := range sizes {
			times = append(times, 3*math.Pow(size, want))
		}
		if got := exponent(sizes, times); math.Abs(got-want) > 1e-9 {
			t.Errorf("got %v, want %v", got, want)
		}
	}
}
