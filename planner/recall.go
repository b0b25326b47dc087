package planner

import (
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// Recall tells a check what the state knows of its earlier results, where the check can make something of them.
func Recall(check providers.Check, document *state.Document, address string) providers.Check {
	recalling, ok := check.(providers.Recalling)
	if !ok || document == nil {
		return check
	}
	var past []providers.Measurement
	for _, result := range document.ResultsOf(address) {
		past = append(past, providers.Measurement{At: result.AskedAt, Figures: result.Figures})
	}
	return recalling.WithHistory(past)
}
