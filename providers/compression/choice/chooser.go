package choice

import (
	"context"
	"fmt"
	"runtime"
	"slices"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/trial"
)

// NewChooser makes the chooser of some preferences; it is a providers.ChooserFactory.
func NewChooser(preferences providers.Preferences) (providers.Chooser, error) {
	if !slices.Contains(Goals(), Goal(preferences.Optimize)) {
		return nil, fmt.Errorf("%q is not size, balanced or speed", preferences.Optimize)
	}
	for _, method := range preferences.Fallback {
		if _, err := compression.NewCodec(method, providers.DefaultLevel); err != nil {
			return nil, err
		}
	}
	return &chooser{preferences}, nil
}

// chooser implements providers.Chooser.
type chooser struct{ preferences providers.Preferences }

// Preferences implements providers.Chooser.
func (c *chooser) Preferences() providers.Preferences { return c.preferences }

// HeadSize implements providers.Chooser.
func (c *chooser) HeadSize() int { return trial.HeadSize }

// Estimate implements providers.Estimated, with what is most often chosen.
func (c *chooser) Estimate() providers.Estimate {
	method, level := "zstd", 1
	if Goal(c.preferences.Optimize) == Size {
		method, level = "bzip2", 9
	}
	estimate := compression.EstimateOf(method, level)
	estimate.Rate *= compression.Cores(runtime.GOMAXPROCS(0))
	return estimate
}

// Choose implements providers.Chooser. Data that is recognised as compressed or encrypted is not tried.
func (c *chooser) Choose(ctx context.Context, clock clock.Clock, about providers.Circumstances) (providers.Chosen, error) {
	sample, codecs := trial.OfHead(about.Head, about.Whole), compression.Codecs()
	question := Question{
		Goal: Goal(c.preferences.Optimize), Bytes: about.RawBytes, SourceRate: about.SourceRate, UploadRate: about.UploadRate,
		Cores: runtime.GOMAXPROCS(0), MinReduction: c.preferences.MinReduction, Fallback: c.preferences.Fallback, Disappointing: about.Disappointing,
		Whole: sample.Whole, Past: about.Past,
	}
	if about.Whole {
		question.Bytes = int64(len(about.Head))
	}
	head, err := question.try(ctx, sample, trial.NewMeter(codecs, clock, sample.Trial, sample.Whole), about)
	if err != nil {
		return providers.Chosen{}, err
	}
	choice := Choose(question)
	level := choice.Level
	if choice.Method == "none" {
		level = providers.DefaultLevel
	}
	codec, err := codecs(choice.Method, level)
	if err != nil {
		return providers.Chosen{}, err
	}
	if question.Reference > 0 && !about.Whole && choice.isHasty() {
		if codec, err = newAdaptive(codec, codecs, clock); err != nil {
			return providers.Chosen{}, err
		}
	}
	if question.wantsSurvey(choice) {
		codec = &surveyor{Codec: codec, codecs: codecs, clock: clock, head: head, measured: question.Measurements, speedup: question.Speedup,
			grid: usualGrid(), least: worthSurvey}
	}
	chosen := providers.Chosen{Codec: codec, Reason: choice.Reason, Warning: choice.Warning, StoredBytes: choice.Bytes, Seconds: choice.Seconds}
	if choice.RunnerUp != nil {
		chosen.RunnerUp = choice.RunnerUp.String()
	}
	return chosen, nil
}

// try finds out what the candidates make of a sample, as far as what it is and a survey do not tell. It returns the texture of the beginning, where
// a survey may need that.
func (q *Question) try(ctx context.Context, sample trial.Sample, meter *trial.Meter, about providers.Circumstances) (head float64, err error) {
	if found := sample.Content(); found.Dense {
		q.Dense = found.Detail
		return 0, nil
	}
	if q.Goal == Balanced && about.RawBytes >= worthSurvey {
		if head, err = texture(sample.Trial); err != nil {
			return 0, err
		}
	}
	if q.recall(about.Survey, head) {
		return head, nil
	}
	return head, q.measure(ctx, meter, sample.Long)
}

// measure tries the candidates that are worth it, and again those that the sample leaves in doubt.
func (q *Question) measure(ctx context.Context, meter *trial.Meter, held []byte) (err error) {
	if q.Speedup, err = meter.Speedup(ctx, q.Cores); err != nil {
		return err
	}
	if q.Goal == Balanced {
		// Nothing runs beside it: it would make the first methods slower than the others.
		if q.Reference, err = meter.Reference(ctx); err != nil {
			return err
		}
	}
	for i, candidate := range trial.Candidates() {
		if i >= always && !q.worth(candidate) {
			continue
		}
		measured, err := meter.Measure(ctx, candidate)
		if err != nil {
			return err
		}
		q.Measurements = append(q.Measurements, measured)
	}
	return q.Deepen(ctx, meter, held)
}

// always is how many of the candidates, the fastest ones, are tried in any case.
const always = 4
