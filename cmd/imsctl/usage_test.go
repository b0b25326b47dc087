package main

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/clock"
)

// TestHelpFits holds what every command says of itself against 80 columns, and, for flags, against a narrower terminal.
func TestHelpFits(t *testing.T) {
	for _, columns := range []string{"80", "60"} {
		var paths [][]string
		each((&cli{clock: clock.System{}}).rootCommand(), func(command *cobra.Command) {
			paths = append(paths, strings.Fields(command.CommandPath())[1:])
		})
		for _, path := range paths {
			var out bytes.Buffer
			program := &cli{stdout: &out, stderr: &out, environment: []string{"COLUMNS=" + columns}, clock: clock.System{}, version: "1.0.0"}
			if code := program.execute(t.Context(), append(path, "-help")); code != exitDone {
				t.Fatalf("%v -help: exit code %d\n%s", path, code, &out)
			}
			text, limit := out.String(), 80
			if columns == "60" {
				_, text, _ = strings.Cut(text, "Flags:")
				limit = 60
			}
			for line := range strings.Lines(text) {
				if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > limit {
					t.Errorf("%v -help has %d columns: %s", path, width, line)
				}
			}
		}
	}
}
