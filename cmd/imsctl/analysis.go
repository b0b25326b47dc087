package main

import (
	"context"
	"runtime"

	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/choice"
	"github.com/castrolanda/imsctl/providers/compression/content"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// analysis is what was found of one subject.
type analysis struct {
	Name    string       `json:"name"`
	Kind    content.Kind `json:"kind"`
	Detail  string       `json:"detail"`
	Dense   bool         `json:"dense"`
	Entropy float64      `json:"entropy"`
	// SizeBytes is left out when it is not known.
	SizeBytes    int64        `json:"size_bytes,omitzero"`
	SizeCategory sizeCategory `json:"size_category"`
	ReadBytes    int64        `json:"read_bytes"`
	Optimize     choice.Goal  `json:"optimize"`
	Cores        int          `json:"cores"`
	// Speedup is how many times as fast as one core all of them compress, left out when it was not measured.
	Speedup     float64       `json:"speedup,omitzero"`
	Methods     []methodTrial `json:"methods"`
	Recommended verdictOn     `json:"recommended"`
	RunnerUp    *methodName   `json:"runner_up,omitempty"`
}

// methodName is a method at a level.
type methodName struct {
	Method string `json:"method"`
	Level  int    `json:"level"`
}

// methodTrial is what a method makes of a subject.
type methodTrial struct {
	methodName
	// SampledBytes and StoredBytes are those of the trial, 0 for what needs none.
	SampledBytes int64 `json:"sampled_bytes"`
	StoredBytes  int64 `json:"stored_bytes"`
	// Fraction is the part that stays, Rate the bytes per second of one core, left out when it was not measured.
	Fraction float64 `json:"fraction"`
	Rate     float64 `json:"bytes_per_second,omitzero"`
	// PredictedBytes and PredictedSeconds are those of the whole, left out when its size is not known.
	PredictedBytes   int64   `json:"predicted_bytes,omitzero"`
	PredictedSeconds float64 `json:"predicted_seconds,omitzero"`
}

// verdictOn is the recommendation.
type verdictOn struct {
	methodName
	Reason string `json:"reason"`
}

// sizeCategory is how large something is, in a word.
type sizeCategory string

// categoryOf names the size: up to 1 MiB, 100 MiB, 10 GiB, more.
func categoryOf(size int64) sizeCategory {
	switch {
	case size <= 0:
		return "unknown"
	case size <= 1<<20:
		return "tiny"
	case size <= 100<<20:
		return "small"
	case size <= 10<<30:
		return "medium"
	default:
		return "large"
	}
}

// cores is how many processors compress.
func cores() int { return runtime.GOMAXPROCS(0) }

// analysis samples a subject, tries the methods and asks for a recommendation.
func (c *cli) analysis(ctx context.Context, subject subject) (analysis, error) {
	sample, err := subject.sample(ctx)
	if err != nil {
		return analysis{}, err
	}
	found := sample.Content()
	question := subject.question
	meter := trial.NewMeter(compression.Codecs(), c.clock, sample.Trial, sample.Whole)
	if question.Speedup, err = meter.Speedup(ctx, question.Cores); err != nil {
		return analysis{}, err
	}
	if question.Reference, err = meter.Reference(ctx); err != nil {
		return analysis{}, err
	}
	measured, err := trial.Measure(ctx, meter)
	if err != nil {
		return analysis{}, err
	}
	question.Measurements, question.Bytes, question.Whole = measured, sample.Size, sample.Whole
	if question.Goal == "" {
		question.Goal = choice.Balanced
	}
	if found.Dense {
		question.Dense = found.Detail
	} else if err := question.Deepen(ctx, meter, sample.Long); err != nil {
		return analysis{}, err
	}
	chosen := choice.Choose(question)
	result := analysis{
		Name: subject.name, Kind: found.Kind, Detail: found.Detail, Dense: found.Dense, Entropy: found.Entropy,
		SizeBytes: sample.Size, SizeCategory: categoryOf(sample.Size), ReadBytes: sample.Read, Optimize: question.Goal, Cores: question.Cores, Speedup: question.Speedup,
		Recommended: verdictOn{methodName{chosen.Method, chosen.Level}, chosen.Reason},
	}
	if chosen.RunnerUp != nil {
		result.RunnerUp = &methodName{chosen.RunnerUp.Method, chosen.RunnerUp.Level}
	}
	for i, option := range chosen.Options {
		tried := methodTrial{methodName: methodName{option.Method, option.Level}, Fraction: option.Fraction,
			PredictedBytes: option.Bytes, PredictedSeconds: option.Seconds}
		if i < len(question.Measurements) {
			one := question.Measurements[i]
			tried.SampledBytes, tried.StoredBytes, tried.Rate = one.Sampled, one.Stored, one.Rate
		}
		result.Methods = append(result.Methods, tried)
	}
	return result, nil
}
