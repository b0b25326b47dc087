package spec

import (
	"cmp"
	"slices"
	"strings"

	"github.com/zclconf/go-cty/cty"
)

// shortestSecret is the length in bytes from which a text is struck out. Shorter ones ("1", "on") are no secrets, and striking
// them out would make messages unreadable.
const shortestSecret = 3

// Redact strikes the sensitive values of the specification out of a text that came from outside, such as what a program said
// when it failed.
func (s *Spec) Redact(text string) string {
	for _, secret := range s.secrets {
		text = strings.ReplaceAll(text, secret, hiddenValue)
	}
	return text
}

// RedactError is Redact for an error, which stays what it is to errors.Is and errors.As.
func (s *Spec) RedactError(err error) error {
	if err == nil {
		return nil
	}
	if text := s.Redact(err.Error()); text != err.Error() {
		return &redactedError{text: text, cause: err}
	}
	return err
}

// redactedError is an error that says something else than it would by itself.
type redactedError struct {
	text  string
	cause error
}

// Error implements error.
func (e *redactedError) Error() string { return e.text }

// Unwrap is the error as it was.
func (e *redactedError) Unwrap() error { return e.cause }

// keepSecrets notes the texts in the sensitive parts of a value.
func (l *loader) keepSecrets(value cty.Value) {
	if !value.IsWhollyKnown() {
		return
	}
	// A walk ends with an error only when its function does.
	_ = cty.Walk(value, func(_ cty.Path, part cty.Value) (bool, error) {
		if !part.IsMarked() {
			return true, nil
		}
		plain, _ := part.UnmarkDeep()
		return false, cty.Walk(plain, func(_ cty.Path, inner cty.Value) (bool, error) {
			if inner.Type() == cty.String && !inner.IsNull() && len(inner.AsString()) >= shortestSecret {
				l.spec.secrets = append(l.spec.secrets, inner.AsString())
			}
			return true, nil
		})
	})
}

// orderSecrets puts the longest first, for one may be part of another.
func (l *loader) orderSecrets() {
	slices.SortFunc(l.spec.secrets, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	l.spec.secrets = slices.Compact(l.spec.secrets)
}
