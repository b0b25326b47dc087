package executor

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/castrolanda/imsctl/executor/pipeline"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// choose begins to read the source, and chooses the compression by its first bytes: as few of them as an earlier survey needs, where there
// is one. That comes before the intent, because the key that the intent names depends on it: until then nothing is written anywhere, and
// reading leaves nothing behind. The caller closes what it returns.
func (t *taking) choose(ctx context.Context) (*pipeline.Peeked, error) {
	chooser, expect := t.declared.Chooser, t.action.Expect
	size := chooser.HeadSize()
	if expect.Survey != nil {
		size = chooser.RecallSize()
	}
	peeked, err := pipeline.Peek(ctx, t.source, "imsctl-"+t.run.id, size, t.Clock)
	if err != nil {
		return nil, err
	}
	about := providers.Circumstances{
		RawBytes: expect.RawBytes, SourceRate: expect.SourceRate, UploadRate: expect.UploadRate, AssumedRate: expect.AssumedRate,
		Disappointing: expect.Disappointing, Past: expect.Past, Survey: expect.Survey,
	}
	chosen, err := t.decide(ctx, peeked, about)
	if err != nil {
		peeked.Close()
		return nil, err
	}
	t.source, t.codec, t.chosen = peeked, chosen.Codec, &chosen
	return peeked, nil
}

// decide asks the chooser, by what is held of the source already if a survey tells enough, and otherwise by all that it wants to see.
func (t *taking) decide(ctx context.Context, peeked *pipeline.Peeked, about providers.Circumstances) (providers.Chosen, error) {
	wrap := func(err error) error { return fmt.Errorf("choosing the compression: %w", err) }
	chooser := t.declared.Chooser
	if about.Survey != nil {
		about.Head, about.Whole = peeked.Head, peeked.Whole
		switch chosen, recalled, err := chooser.Recall(t.Clock, about); {
		case err != nil:
			return providers.Chosen{}, wrap(err)
		case recalled:
			return chosen, nil
		}
		if err := peeked.Extend(chooser.HeadSize()); err != nil {
			return providers.Chosen{}, err
		}
	}
	about.Head, about.Whole = peeked.Head, peeked.Whole
	chosen, err := chooser.Choose(ctx, t.Clock, about)
	if err != nil {
		return providers.Chosen{}, wrap(err)
	}
	return chosen, nil
}

// choice is why the codec was chosen, and what it did otherwise since; empty where the specification says which.
func (t *taking) choice() string {
	if t.chosen == nil {
		return ""
	}
	if adaptive, can := t.codec.(providers.Adaptive); can && adaptive.Adapted() != "" {
		return t.chosen.Reason + "; " + adaptive.Adapted()
	}
	return t.chosen.Reason
}

// survey is what the codec found out about the stream for later runs, as it is recorded; nil when it did not.
func (t *taking) survey() *state.Survey {
	surveyor, can := t.codec.(providers.Surveyor)
	if !can || surveyor.Survey() == nil {
		return nil
	}
	found := surveyor.Survey()
	survey := &state.Survey{Head: found.Head, Reference: found.Reference, Texture: found.Texture, Spread: found.Spread, Speedup: found.Speedup}
	for _, tried := range found.Tried {
		survey.Tried = append(survey.Tried, state.Tried{Method: tried.Method, Level: tried.Level, Fraction: tried.Fraction, Rate: tried.Rate})
	}
	return survey
}

// predicted holds what the plan expected, or the choice where one was made, against what came of it, as a part of a summary.
func (t *taking) predicted() string {
	bytes, seconds := t.action.Bytes, t.action.Seconds
	if t.chosen != nil && t.chosen.StoredBytes > 0 {
		bytes, seconds = t.chosen.StoredBytes, t.chosen.Seconds
	}
	if bytes <= 0 {
		return ""
	}
	text := ", predicted " + units.Bytes(bytes)
	if seconds >= 1 {
		text += " in " + units.Age(time.Duration(seconds*float64(time.Second)))
	}
	return text
}

// method says what was chosen, as a part of a summary.
func (t *taking) method() string {
	if t.chosen == nil {
		return ""
	}
	return fmt.Sprintf(", compression %s: %s", methodName(t.codec), t.choice())
}

// methodName is a method with its level, if it has one.
func methodName(codec providers.Codec) string {
	if codec.Level() == 0 {
		return codec.Method()
	}
	return fmt.Sprintf("%s %d", codec.Method(), codec.Level())
}

// warnings are those of the source and, where the compression was chosen, that it took off less than was asked for.
func (t *taking) warnings(outcome pipeline.Outcome) []string {
	warnings := slices.Clone(outcome.Reading.Warnings)
	if t.chosen == nil {
		return warnings
	}
	least := t.declared.Chooser.Preferences().MinReduction
	if t.chosen.Warning != "" {
		return append(warnings, t.chosen.Warning)
	}
	if raw, stored := outcome.Raw.Size, outcome.Stored.Size; raw > 0 && t.codec.Level() > 0 && stored*100 > raw*int64(100-least) {
		warnings = append(warnings, fmt.Sprintf("%s took off %s, which is below min_reduction = %d: the next run tries what fallback lists",
			methodName(t.codec), percentOff(raw, stored), least))
	}
	return warnings
}

// percentOff is by how much stored is smaller than raw.
func percentOff(raw, stored int64) string {
	return fmt.Sprintf("%.1f %%", 100*float64(raw-stored)/float64(raw))
}

// seconds are recorded with three digits behind the point.
func seconds(d time.Duration) float64 { return d.Round(time.Millisecond).Seconds() }
