package logs

import (
	"context"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Remove implements providers.Cleaner.
func (c *cleaner) Remove(ctx context.Context, order providers.CleanupOrder, seen providers.CleanupView) (providers.CleanupOutcome, error) {
	var outcome providers.CleanupOutcome
	there := make(map[string]providers.CleanupItem, len(seen.Items))
	for _, item := range seen.Items {
		there[item.Name] = item
	}
	var going []providers.CleanupItem
	var input strings.Builder
	for _, item := range order.Items {
		now, ok := there[item.Name]
		if !ok || now.ID != item.ID {
			outcome.Warnings = append(outcome.Warnings, item.Name+" stays: it is open, was changed, or is gone already")
			continue
		}
		going = append(going, now)
		input.WriteString(item.ID + "\n" + item.Name + "\n")
	}
	if len(going) > 0 {
		results, err := run(ctx, c.host, removeScript, input.String())
		if err == nil && len(results) != len(going) {
			err = fmt.Errorf("%d lines about %d files", len(results), len(going))
		}
		if err != nil {
			return outcome, fmt.Errorf("removing files on %s: %w", c.host.Name(), err)
		}
		for i, item := range going {
			report(&outcome, item, results[i])
		}
	}
	if len(outcome.Removed) == 0 {
		why := strings.Join(outcome.Warnings, "; ")
		if why == "" {
			why = "nothing was named"
		}
		return outcome, fmt.Errorf("%w: %s", providers.ErrCleanupRefused, why)
	}
	return outcome, nil
}

// report notes what became of a file.
func report(outcome *providers.CleanupOutcome, item providers.CleanupItem, result string) {
	switch word, user, _ := strings.Cut(result, " "); word {
	case "removed":
		outcome.Removed = append(outcome.Removed, item.Name)
		outcome.Freed += item.Bytes
	case "open":
		outcome.Warnings = append(outcome.Warnings, item.Name+" stays: open by "+process(user))
	case "stuck":
		outcome.Warnings = append(outcome.Warnings, fmt.Sprintf("%s stays, as %s%s: something has taken its name meanwhile", item.Name, item.Name, aside))
	default:
		outcome.Warnings = append(outcome.Warnings, item.Name+" stays: it was changed, or is gone already")
	}
}
