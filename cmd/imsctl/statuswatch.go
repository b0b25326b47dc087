package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/terminal"
)

// What a terminal is told (ECMA-48): where the first line is, to clear the rest of a line, and all below.
const (
	firstLine = "\x1b[H"
	clearLine = "\x1b[K"
	clearRest = "\x1b[J"
)

// watchStatus shows how everything stands until ctx ends, which is how it is meant to end.
func (c *cli) watchStatus(ctx context.Context, project *project, arguments statusArguments) error {
	before := ""
	for first := true; ; first = false {
		document, err := c.readStatus(ctx, project, arguments.refresh)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && first:
			return err
		case err != nil:
			// A server may be away for a while, and who watches sees that.
			c.problem("Warning", "status", err)
		default:
			if err := c.showStatus(document, arguments, &before); err != nil {
				return err
			}
		}
		if clock.Sleep(ctx, arguments.every) != nil {
			return nil
		}
	}
}

// showStatus paints the document on a terminal, and prints it elsewhere when it says something else than before.
func (c *cli) showStatus(document *statusDocument, arguments statusArguments, before *string) error {
	lines, err := c.statusLines(document)
	if err != nil {
		return err
	}
	look := c.look(c.stdout)
	if look.Live && !arguments.json {
		columns, height := look.Size()
		title := fmt.Sprintf("imsctl status %s, every %s", arguments.path, arguments.every)
		_, err := fmt.Fprint(c.stdout, screen(title, c.clock.Now(), lines, columns, height))
		return err
	}
	changes := changesOf(document)
	if changes == *before {
		return nil
	}
	*before = changes
	if arguments.json {
		text, err := json.Marshal(document, json.Deterministic(true), json.FormatNilSliceAsNull(false))
		if err == nil {
			_, err = c.stdout.Write(append(text, '\n'))
		}
		return err
	}
	_, err = fmt.Fprintf(c.stdout, "%s\n%s\n\n", document.CreatedAt.Format(time.RFC3339), strings.Join(lines, "\n"))
	return err
}

// screen is what a terminal of that size is sent: a title with the time, and as many lines as fit, over what was there.
func screen(title string, now time.Time, lines []string, columns, height int) string {
	moment := now.Format(time.DateTime)
	title = terminal.Cut(terminal.Escape(title), max(1, columns-len(moment)-2))
	shown := []string{title + strings.Repeat(" ", max(1, columns-terminal.Width(title)-len(moment))) + moment, ""}
	// The last line stays free: a terminal scrolls when something is behind it.
	room := max(0, height-len(shown)-1)
	if len(lines) > room {
		room = max(0, room-1)
		shown = append(shown, lines[:room]...)
		shown = append(shown, fmt.Sprintf("… and %d more lines, in a taller window", len(lines)-room))
	} else {
		shown = append(shown, lines...)
	}
	return firstLine + strings.Join(shown, clearLine+"\n") + clearLine + "\n" + clearRest
}
