package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// corpusSeries is what backups of a corpus with one choice took, and what was stored.
type corpusSeries struct {
	stored int64
	// method is that which was chosen, the newest of the rounds.
	method    string
	wall, cpu series
}

// corpusBackup is the specification of such a backup, which is due again after a second.
const corpusBackup = `
compression "this" {
  method = %q
  %s
}
source "command" "corpus" {
  command   = ["cat", %q]
  extension = %q
}
destination "local" "disk" {
  path = "backups"
}
backup "corpus" {
  source      = source.command.corpus
  to          = [destination.local.disk]
  compression = compression.this
  every       = "1s"
}
`

// backUp takes a backup of a file in a new folder for each of the turns, one after the other, and adds what it took to the turn. A turn that
// is nil only leaves what it taught.
func backUp(ctx context.Context, folder, program, path, choice string, turns ...*corpusSeries) (err error) {
	file, err := specifyCorpus(folder, path, choice)
	if err != nil {
		return err
	}
	defer func() {
		if removing := os.RemoveAll(folder); err == nil {
			err = removing
		}
	}()
	for i, turn := range turns {
		if i > 0 {
			// Until it is due again.
			time.Sleep(1100 * time.Millisecond)
		}
		took, err := measure(ctx, newCommand(ctx, program, "apply", "-auto-approve", file))
		if err != nil {
			return err
		}
		if turn == nil {
			continue
		}
		listed, err := say(ctx, program, "list", "-json", file)
		if err != nil {
			return err
		}
		turn.wall, turn.cpu = append(turn.wall, took.wall.Seconds()), append(turn.cpu, took.cpu.Seconds())
		if err := turn.read([]byte(listed), i+1); err != nil {
			return err
		}
	}
	return nil
}

// specifyCorpus makes a new folder with the specification of a backup.
func specifyCorpus(folder, path, choice string) (file string, err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", err
	}
	method, parameter, _ := strings.Cut(choice, " ")
	attribute := "level = " + parameter
	if method == "auto" {
		attribute = fmt.Sprintf("optimize = %q", parameter)
	}
	file = filepath.Join(folder, "corpus.hcl")
	return file, os.WriteFile(file, fmt.Appendf(nil, corpusBackup, method, attribute, path, filepath.Ext(path)), 0o600)
}

// analyse adds what an analysis of the corpus takes, as a source of which the size is not known.
func (c *corpusResult) analyse(ctx context.Context, folder, program, path string) (err error) {
	file, err := specifyCorpus(folder, path, "auto balanced")
	if err != nil {
		return err
	}
	defer func() {
		if removing := os.RemoveAll(folder); err == nil {
			err = removing
		}
	}()
	var said bytes.Buffer
	command := newCommand(ctx, program, "analyze", "-json", "-path", file, "source.command.corpus")
	command.Stdout = &said
	took, err := measure(ctx, command)
	if err != nil {
		return err
	}
	var document struct {
		Subjects []struct {
			Read    float64 `json:"read_bytes"`
			Speedup float64
		}
	}
	if err := json.Unmarshal(said.Bytes(), &document); err != nil || len(document.Subjects) != 1 {
		return fmt.Errorf("reading the analysis: %w: %s", err, said.Bytes())
	}
	c.analysis.wall, c.analysis.cpu = append(c.analysis.wall, took.wall.Seconds()), append(c.analysis.cpu, took.cpu.Seconds())
	c.read, c.speedup = append(c.read, document.Subjects[0].Read), append(c.speedup, document.Subjects[0].Speedup)
	return nil
}

// read takes over what a list says of its newest artifact.
func (c *corpusSeries) read(listed []byte, artifacts int) error {
	var list struct {
		Artifacts []struct {
			Stored    struct{ Size int64 }
			Method    string
			Level     int
			StartedAt time.Time `json:"started_at"`
		}
	}
	if err := json.NewDecoder(bytes.NewReader(listed)).Decode(&list); err != nil {
		return fmt.Errorf("reading the list of artifacts: %w", err)
	}
	if len(list.Artifacts) != artifacts {
		return fmt.Errorf("the list has %d artifacts, not %d", len(list.Artifacts), artifacts)
	}
	newest := list.Artifacts[0]
	for _, artifact := range list.Artifacts {
		if artifact.StartedAt.After(newest.StartedAt) {
			newest = artifact
		}
	}
	c.stored, c.method = newest.Stored.Size, newest.Method
	if newest.Level > 0 {
		c.method = fmt.Sprintf("%s %d", newest.Method, newest.Level)
	}
	return nil
}
