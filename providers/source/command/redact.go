package command

import (
	"errors"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

const (
	// shortestSecret is the length in bytes from which a value is struck out. Shorter ones ("1", "on") are no secrets, and
	// striking them out would make what a program says unreadable.
	shortestSecret = 3
	// hidden stands for what was struck out.
	hidden = "(sensitive)"
)

// redacted strikes secrets out of what a failing program said. Other errors do not quote the program.
func redacted(err error, secrets []string) error {
	var exit *providers.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	// The longest first, for one may be part of another.
	secrets = slices.Clone(secrets)
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	said := exit.Stderr
	for _, secret := range secrets {
		if len(secret) >= shortestSecret {
			said = strings.ReplaceAll(withoutCut(said, secret), secret, hidden)
		}
	}
	copied := *exit
	copied.Stderr = said
	return &copied
}

// withoutCut strikes out the end of a secret at the beginning of a text, of which only the last part was kept.
func withoutCut(said, secret string) string {
	for from := 1; from <= len(secret)-shortestSecret; from++ {
		if rest, found := strings.CutPrefix(said, secret[from:]); found {
			return hidden + rest
		}
	}
	return said
}
