package planner

import (
	"fmt"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// predict says how many bytes the next backup will store and how long it will take, zeros when nothing is known, and notes what
// that comes from. The last verified backup is the best witness if it was compressed in the same way; then what is expected
// of the compression.
func (t *task) predict(expected *Expectation) (bytes int64, seconds float64) {
	if t.latest != nil && t.comparable(t.latest.artifact) {
		artifact := t.latest.artifact
		expected.Basis, expected.Alternative = FromHistory, t.alternative(artifact)
		if expected.Alternative == "" {
			expected.Alternative = t.rival(took(artifact), artifact.Raw.Size)
		}
		return artifact.Stored.Size, took(artifact)
	}
	estimated, ok := t.compression().(providers.Estimated)
	if !ok || expected.RawBytes <= 0 {
		return 0, 0
	}
	expected.Basis = FromEstimate
	estimate := estimated.Estimate()
	slowest := 1 / estimate.Rate
	if expected.SourceRate > 0 {
		slowest = max(slowest, 1/expected.SourceRate)
	}
	if expected.UploadRate > 0 {
		slowest = max(slowest, estimate.Fraction/expected.UploadRate)
	}
	raw := float64(expected.RawBytes)
	expected.Alternative = t.rival(raw*slowest, expected.RawBytes)
	return int64(raw * estimate.Fraction), raw * slowest
}

// rival says what another method would about do, by round figures, where a backup takes long and it would take less than half of
// that. How much it would store depends on the data too much to be said.
func (t *task) rival(took float64, raw int64) string {
	rivalled, ok := t.compression().(providers.Rivalled)
	if !ok || took < longEnough || raw <= 0 {
		return ""
	}
	name, estimate := rivalled.Rival()
	if name == "" || float64(raw)/estimate.Rate*2 > took {
		return ""
	}
	return fmt.Sprintf("%s would store about as much in %s (estimated)", name, seconds(float64(raw)/estimate.Rate))
}

// compression is what compresses the backup: a codec, or what chooses one.
func (t *task) compression() any {
	if t.backup.Chooser != nil {
		return t.backup.Chooser
	}
	return t.backup.Codec
}

// comparable reports whether an artifact was compressed as the next one will be, as far as that is known.
func (t *task) comparable(artifact *state.Artifact) bool {
	switch {
	case t.backup.Chooser != nil:
		return artifact.Compression == t.backup.Compression
	case t.backup.Codec != nil:
		return artifact.Method == t.backup.Codec.Method() && artifact.Level == t.backup.Codec.Level()
	}
	return true
}

// took is how long an artifact's reading took, in seconds.
func took(artifact *state.Artifact) float64 {
	return max(0, artifact.EndedAt.Sub(artifact.StartedAt).Seconds())
}

// longEnough is from how many seconds on it is worth a word that there is another way.
const longEnough = 60

// alternative compares the newest of the earlier artifacts that were compressed in another way, if an artifact took long and the
// other one did better in one respect.
func (t *task) alternative(last *state.Artifact) string {
	if took(last) < longEnough || last.Raw.Size <= 0 {
		return ""
	}
	for _, other := range t.recent() {
		if other.Method == last.Method && other.Level == last.Level || other.Raw.Size <= 0 {
			continue
		}
		scale := float64(last.Raw.Size) / float64(other.Raw.Size)
		time, difference := took(other)*scale, (float64(other.Stored.Size)*scale/float64(last.Stored.Size)-1)*100
		if time < took(last) || difference < 0 {
			return fmt.Sprintf("%s was %s in %s", methodOf(other), comparison(difference), seconds(time))
		}
	}
	return ""
}

// comparison says a difference in percent in words.
func comparison(percent float64) string {
	switch {
	case percent <= -0.5:
		return fmt.Sprintf("%.0f %% smaller", -percent)
	case percent >= 0.5:
		return fmt.Sprintf("%.0f %% larger", percent)
	}
	return "as large"
}

// methodOf names how an artifact was compressed.
func methodOf(artifact *state.Artifact) string {
	if artifact.Level == 0 {
		return artifact.Method
	}
	return fmt.Sprintf("%s %d", artifact.Method, artifact.Level)
}

// expectedOf says what a backup is expected to cost, and from what that is known.
func expectedOf(backup *Backup) string {
	expected := backup.Expect
	compressor := ""
	if backup.Compressor != "" {
		compressor = "; compressed by " + backup.Compressor
	}
	if backup.Bytes <= 0 {
		return "size and time not known yet" + compressor
	}
	text := "about " + units.Bytes(backup.Bytes)
	if backup.Seconds >= 1 {
		text += " in " + seconds(backup.Seconds)
	}
	if backup.Seconds >= longEnough && expected.RawBytes > 0 {
		text += fmt.Sprintf(" for %s at %.1f MB/s with %s", units.Bytes(expected.RawBytes), float64(expected.RawBytes)/backup.Seconds/1e6, backup.Compression)
	}
	if expected.Basis == FromEstimate {
		text += " (estimated)"
	} else {
		text += " (from history)"
	}
	text += compressor
	if expected.Alternative != "" {
		text += "; " + expected.Alternative
	}
	return text
}
