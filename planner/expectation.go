package planner

import (
	"slices"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// Expectation is what history and the source say of a stream before it is read. Zero values are what is not known.
type Expectation struct {
	// RawBytes is how long it is.
	RawBytes int64 `json:"raw_bytes,omitzero"`
	// SourceRate is how many raw bytes the source gives in a second, UploadRate how many stored ones the slowest of the
	// destinations takes.
	SourceRate float64 `json:"source_rate,omitzero"`
	UploadRate float64 `json:"upload_rate,omitzero"`
	// AssumedRate is what is assumed of the slowest of the destinations of which that was not measured yet; only for a compression
	// that measures.
	AssumedRate float64 `json:"assumed_upload_rate,omitzero"`
	// Disappointing are the methods that took off less than min_reduction when they were last used, sorted.
	Disappointing []string `json:"disappointing,omitempty"`
	// Past is what methods made of this source, each by its newest artifact, the newest first; only for a compression that
	// measures.
	Past []providers.Experience `json:"past,omitempty"`
	// Survey is the newest one that a run of these made; nil where there is none.
	Survey *providers.Survey `json:"survey,omitempty"`
	// Basis says what the predicted size and time come from.
	Basis Basis `json:"basis,omitempty"`
	// Alternative says what another method did in an earlier run, or would about do; empty when there is none to tell of.
	Alternative string `json:"alternative,omitempty"`
}

// Basis is what a prediction comes from; empty when nothing is known.
type Basis string

// History: an earlier backup that was compressed in the same way. Estimate: the size of an earlier one or what the source says
// of itself, and round figures for the compression.
const (
	FromHistory  Basis = "history"
	FromEstimate Basis = "estimate"
)

// The bounds below which a rate that was measured says nothing: a small upload is over before it has begun to flow.
const (
	leastMeasured = 8 << 20
	leastSeconds  = 0.05
	// memory is how many of the newest artifacts count.
	memory = 10
)

// expect puts together what is known of the next backup at some destinations.
func (t *task) expect(destinations []string) Expectation {
	artifacts := t.recent()
	expected := Expectation{Disappointing: t.disappointing(artifacts), Past: t.past(artifacts), Survey: t.surveyed(artifacts)}
	if len(artifacts) > 0 {
		expected.RawBytes = artifacts[0].Raw.Size
	} else if view := t.sourceView(); view != nil {
		expected.RawBytes = view.Inspection.Bytes
	}
	for _, artifact := range artifacts {
		if rate := rateOf(artifact.Raw.Size, artifact.SourceSeconds); rate > 0 {
			expected.SourceRate = rate
			break
		}
	}
	for _, destination := range destinations {
		if rate := t.uploadRate(destination); rate > 0 {
			expected.UploadRate = slower(expected.UploadRate, rate)
		} else if t.backup.Chooser != nil {
			expected.AssumedRate = slower(expected.AssumedRate, t.assumed[destination])
		}
	}
	return expected
}

// recent are the newest artifacts of the backup, the newest first. Those from the future are left out.
func (t *task) recent() []*state.Artifact {
	var artifacts []*state.Artifact
	for _, held := range t.holdings {
		if held.artifact.StartedAt.Sub(t.now) <= MaxSkew && len(artifacts) < memory {
			artifacts = append(artifacts, held.artifact)
		}
	}
	return artifacts
}

// sourceView is what was seen of the backup's source; nil when nobody looked or it could not be seen.
func (t *task) sourceView() *SourceView {
	if t.observed == nil {
		return nil
	}
	if view := t.observed.Sources[t.backup.Source]; view != nil && view.Err == nil {
		return view
	}
	return nil
}

// uploadRate is what a destination took in a second the last time that anything large was stored there, of any backup.
func (d *differ) uploadRate(destination string) float64 {
	if d.uploads != nil {
		return d.uploads[destination]
	}
	d.uploads = make(map[string]float64)
	newest := make(map[string]time.Time)
	for _, artifact := range d.document.Artifacts {
		for i := range artifact.Replicas {
			replica := &artifact.Replicas[i]
			rate := 0.0
			if replica.UploadSeconds > 0 {
				// What a disk is through with too soon to be measured is not to count as one that nothing is known of.
				rate = rateOf(artifact.Stored.Size, max(replica.UploadSeconds, leastSeconds))
			}
			if rate > 0 && replica.StoredAt.After(newest[replica.Destination]) {
				newest[replica.Destination], d.uploads[replica.Destination] = replica.StoredAt, rate
			}
		}
	}
	return d.uploads[destination]
}

// assumedRate is what is assumed of a destination as long as nothing large was stored there, in bytes a second.
func assumedRate(destination *spec.Destination) float64 {
	rate := float64(providers.UsualUploadRate)
	if paced, is := destination.Config.(providers.Paced); is {
		rate = paced.AssumedUploadRate()
	}
	return slower(rate, float64(destination.UploadLimit))
}

// slower is the lower one of two rates, of which those that are 0 are not known.
func slower(a, b float64) float64 {
	if a == 0 || b > 0 && b < a {
		return b
	}
	return a
}

// rateOf is bytes per second, 0 when too little was measured.
func rateOf(bytes int64, seconds float64) float64 {
	if bytes < leastMeasured || seconds < leastSeconds {
		return 0
	}
	return float64(bytes) / seconds
}

// past is what each method that was used made of the source.
func (t *task) past(artifacts []*state.Artifact) []providers.Experience {
	if t.backup.Chooser == nil {
		return nil
	}
	var past []providers.Experience
	for _, artifact := range artifacts {
		used := func(e providers.Experience) bool { return e.Method == artifact.Method && e.Level == artifact.Level }
		if artifact.Method == "none" || artifact.Raw.Size < leastMeasured || slices.ContainsFunc(past, used) {
			continue
		}
		past = append(past, experienceOf(artifact))
	}
	return past
}

// experienceOf is what a method made of an artifact that has a length.
func experienceOf(artifact *state.Artifact) providers.Experience {
	return providers.Experience{Method: artifact.Method, Level: artifact.Level, Fraction: float64(artifact.Stored.Size) / float64(artifact.Raw.Size)}
}

// surveyed is the newest survey, for a compression that measures. It is forgotten with the run that made it, so that one is made anew now
// and then.
func (t *task) surveyed(artifacts []*state.Artifact) *providers.Survey {
	if t.backup.Chooser == nil {
		return nil
	}
	for i, artifact := range artifacts {
		if artifact.Survey != nil && artifact.Raw.Size > 0 {
			survey := surveyOf(artifact)
			survey.Since = t.past(artifacts[:i+1])
			return survey
		}
	}
	return nil
}

// surveyOf is the survey that is recorded with an artifact, for a chooser.
func surveyOf(artifact *state.Artifact) *providers.Survey {
	recorded := artifact.Survey
	survey := &providers.Survey{Head: recorded.Head, Reference: recorded.Reference, Made: experienceOf(artifact),
		Texture: recorded.Texture, Spread: recorded.Spread, Speedup: recorded.Speedup}
	for _, tried := range recorded.Tried {
		made := providers.Experience{Method: tried.Method, Level: tried.Level, Fraction: tried.Fraction}
		survey.Tried = append(survey.Tried, providers.Tried{Experience: made, Rate: tried.Rate})
	}
	return survey
}

// disappointing are the methods whose newest artifact is larger than min_reduction permits.
func (t *task) disappointing(artifacts []*state.Artifact) []string {
	if t.backup.Chooser == nil {
		return nil
	}
	least := int64(t.backup.Chooser.Preferences().MinReduction)
	var seen, methods []string
	for _, artifact := range artifacts {
		if artifact.Method == "none" || slices.Contains(seen, artifact.Method) {
			continue
		}
		seen = append(seen, artifact.Method)
		if artifact.Stored.Size*100 > artifact.Raw.Size*(100-least) && least > 0 {
			methods = append(methods, artifact.Method)
		}
	}
	slices.Sort(methods)
	return methods
}
