package choice

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"

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
	return &chooser{preferences: preferences, codecs: compression.Codecs()}, nil
}

// chooser implements providers.Chooser.
type chooser struct {
	preferences providers.Preferences
	// codecs share what is known of the programs.
	codecs providers.CodecFactory
}

// Preferences implements providers.Chooser.
func (c *chooser) Preferences() providers.Preferences { return c.preferences }

// RecallSize implements providers.Chooser. A survey replaces the trial, which sees as much.
func (c *chooser) RecallSize() int { return trial.TrialSize }

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

// Recall implements providers.Chooser.
func (c *chooser) Recall(clock clock.Clock, about providers.Circumstances) (providers.Chosen, bool, error) {
	if about.Whole || trial.OfHead(about.Head, false).Content().Dense {
		return providers.Chosen{}, false, nil
	}
	looking := c.look(about.Survey)
	defer looking.Wait()
	question := c.question(about)
	head, err := c.mark(about)
	if err != nil || !question.recall(about.Survey, head) {
		return providers.Chosen{}, false, err
	}
	chosen, err := c.conclude(question, clock, beginning{mark: head})
	return chosen, err == nil, err
}

// look asks for the program that wrote the stream before, so that nothing waits for its answer later.
func (c *chooser) look(survey *providers.Survey) *sync.WaitGroup {
	var looking sync.WaitGroup
	if survey == nil {
		return &looking
	}
	if codec, err := c.codecs(survey.Made.Method, survey.Made.Level); err == nil {
		if implemented, is := codec.(providers.Implemented); is {
			looking.Go(func() { implemented.Implementation() })
		}
	}
	return &looking
}

// Choose implements providers.Chooser. Data that is recognised as compressed or encrypted is not tried.
func (c *chooser) Choose(ctx context.Context, clock clock.Clock, about providers.Circumstances) (providers.Chosen, error) {
	question, sample := c.question(about), trial.OfHead(about.Head, about.Whole)
	question.Whole = sample.Whole
	if about.Whole {
		question.Bytes = int64(len(about.Head))
	}
	if found := sample.Content(); found.Dense {
		question.Dense = found.Detail
		return c.conclude(question, clock, beginning{whole: about.Whole})
	}
	meter := trial.NewMeter(c.codecs, clock, sample.Trial, sample.Whole)
	if err := question.measure(ctx, meter, sample.Long); err != nil {
		return providers.Chosen{}, err
	}
	head, err := c.mark(about)
	if err != nil {
		return providers.Chosen{}, err
	}
	return c.conclude(question, clock, beginning{mark: head, whole: about.Whole})
}

// question is what is asked of a stream that nothing was measured of yet.
func (c *chooser) question(about providers.Circumstances) Question {
	return Question{
		Goal: Goal(c.preferences.Optimize), Bytes: about.RawBytes, SourceRate: about.SourceRate, UploadRate: about.UploadRate, AssumedRate: about.AssumedRate,
		Cores: runtime.GOMAXPROCS(0), MinReduction: c.preferences.MinReduction, Fallback: c.preferences.Fallback, Disappointing: about.Disappointing,
		Past: about.Past,
	}
}

// mark is the texture of half of what Recall sees of the beginning, where a survey may need that.
func (c *chooser) mark(about providers.Circumstances) (float64, error) {
	if Goal(c.preferences.Optimize) != Balanced || about.RawBytes < worthSurvey {
		return 0, nil
	}
	return texture(about.Head[:min(len(about.Head), c.RecallSize())], 2*cell)
}

// beginning is what is known of the beginning of a stream: its mark, 0 where that was not needed, and whether there is no more.
type beginning struct {
	mark  float64
	whole bool
}

// conclude answers a question by a codec.
func (c *chooser) conclude(question Question, clock clock.Clock, head beginning) (providers.Chosen, error) {
	choice := Choose(question)
	level := choice.Level
	if choice.Method == "none" {
		level = providers.DefaultLevel
	}
	codec, err := c.codecs(choice.Method, level)
	if err != nil {
		return providers.Chosen{}, err
	}
	if !head.whole {
		codec = long{codec}
	}
	if question.Reference > 0 && !head.whole && choice.isHasty() {
		if codec, err = newAdaptive(codec, c.codecs, clock, question.pace()); err != nil {
			return providers.Chosen{}, err
		}
	}
	if question.wantsSurvey(choice) {
		codec = &surveyor{Codec: codec, codecs: c.codecs, clock: clock, head: head.mark, measured: question.Measurements, speedup: question.Speedup,
			grid: usualGrid(), least: worthSurvey}
	}
	chosen := providers.Chosen{Codec: codec, Reason: choice.Reason, Warning: choice.Warning, StoredBytes: choice.Bytes, Seconds: choice.Seconds}
	if choice.RunnerUp != nil {
		chosen.RunnerUp = choice.RunnerUp.String()
	}
	return chosen, nil
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
		if i >= q.always() && !q.worth(candidate) {
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

// always is how many of the candidates, the fastest ones, are tried in any case. What a later run tries is what it may survey.
func (q *Question) always() int {
	if len(q.Past) > 0 {
		return 4
	}
	return 2
}

// long is a codec of streams of which more than the beginning is known to come: they are begun as long ones are.
type long struct{ providers.Codec }

// NewWriter implements providers.Codec.
func (l long) NewWriter(w io.Writer) (io.WriteCloser, error) {
	if streaming, can := l.Codec.(providers.Streaming); can {
		return streaming.NewStreamWriter(w)
	}
	return l.Codec.NewWriter(w)
}
