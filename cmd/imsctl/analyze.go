package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/builtin"
	"github.com/castrolanda/imsctl/providers/compression/choice"
	"github.com/castrolanda/imsctl/providers/compression/trial"
	"github.com/castrolanda/imsctl/providers/source/files"
	"github.com/castrolanda/imsctl/spec"
)

// analyzeArguments are the flags of analyze.
type analyzeArguments struct {
	inputs
	what       []string
	path       string
	optimize   string
	uploadRate string
	json       bool
}

func (c *cli) analyzeCommand() *cobra.Command {
	var arguments analyzeArguments
	command := &cobra.Command{
		Use:   "analyze [flags] PATH|ADDRESS...",
		Short: "Measure what compression makes of files, folders and sources",
		Long: `Reads samples of each file ("-" is standard input), or the beginning of a
folder as source "files" would read it, or of the source with this ADDRESS
(source.postgres.ims; backup.database is about its source, and what its
compression prefers), at most 64 MiB. Says what it is, compresses the samples
with every method, and recommends one. A source is stopped as soon as enough
of it was read; nothing is stored.

  imsctl analyze dump.sql backup.tar /srv/www
  imsctl analyze -optimize size source.postgres.ims

EXIT STATUS
  0  everything was measured
  1  an error: something could not be read`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.what = positional
			return c.analyze(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.inputs.register(flags)
	flags.StringVar(&arguments.path, "path", ".", "the `folder` or file with the specification that addresses are of")
	flags.StringVar(&arguments.optimize, "optimize", "", "what to recommend for: `goal` size, balanced or speed")
	flags.StringVar(&arguments.uploadRate, "upload-rate", "", "what the slowest destination takes in a second: a `size` such as 20MB")
	flags.BoolVar(&arguments.json, "json", false, "print one JSON document")
	return command
}

// subject is one thing to analyze.
type subject struct {
	name     string
	question choice.Question
	// sample reads it.
	sample func(ctx context.Context) (trial.Sample, error)
}

func (c *cli) analyze(ctx context.Context, arguments analyzeArguments) error {
	subjects, err := c.subjects(arguments)
	if err != nil {
		return err
	}
	analyses := make([]analysis, 0, len(subjects))
	failed := false
	for _, subject := range subjects {
		result, err := c.analysis(ctx, subject)
		if err != nil && ctx.Err() != nil {
			return err
		}
		if err != nil {
			failed = true
			c.problem("Error", subject.name, err)
			continue
		}
		analyses = append(analyses, result)
	}
	if arguments.json {
		err = c.printJSON(struct {
			FormatVersion string     `json:"format_version"`
			Type          string     `json:"type"`
			Subjects      []analysis `json:"subjects"`
		}{"1.0", "analysis", analyses})
	} else {
		err = c.analysesText(analyses)
	}
	if err == nil && failed {
		return exitCode(exitError)
	}
	return err
}

// subjects resolves what the command line names, and reads the specification if it is needed.
func (c *cli) subjects(arguments analyzeArguments) ([]subject, error) {
	question, err := arguments.question()
	if err != nil {
		return nil, err
	}
	var opened *project
	subjects := make([]subject, 0, len(arguments.what))
	for _, name := range arguments.what {
		if !isAddress(name) {
			subjects = append(subjects, subject{name: name, question: question, sample: func(ctx context.Context) (trial.Sample, error) { return c.sampleFile(ctx, name) }})
			continue
		}
		if opened == nil {
			if opened, err = c.open(arguments.path, arguments.inputs); err != nil {
				return nil, err
			}
		}
		found, err := opened.subject(name, question, c)
		if err != nil {
			return nil, err
		}
		subjects = append(subjects, found)
	}
	return subjects, nil
}

// question is what the flags say of every subject.
func (a analyzeArguments) question() (choice.Question, error) {
	question := choice.Question{Goal: choice.Goal(a.optimize), Cores: cores()}
	if goals := choice.Goals(); a.optimize != "" && !slices.Contains(goals, question.Goal) {
		return question, fmt.Errorf("-optimize=%s: it is size, balanced or speed", a.optimize)
	}
	if a.uploadRate != "" {
		rate, err := units.ParseSize(a.uploadRate)
		if err != nil || rate == 0 {
			return question, fmt.Errorf("-upload-rate=%s: it takes a size such as 20MB, what is taken in a second", a.uploadRate)
		}
		question.UploadRate = float64(rate)
	}
	return question, nil
}

// isAddress tells an address from the name of a file, which can be written with "./" before it.
func isAddress(name string) bool {
	return strings.HasPrefix(name, "source.") || strings.HasPrefix(name, "backup.")
}

// subject finds the source of an address.
func (p *project) subject(address string, question choice.Question, c *cli) (subject, error) {
	source := address
	if i := slices.IndexFunc(p.spec.Backups, func(b *spec.Backup) bool { return b.Address == address }); i >= 0 {
		backup := p.spec.Backups[i]
		source = backup.Source
		if backup.Chooser != nil {
			question = preferred(question, backup.Chooser.Preferences())
		}
	}
	found := p.world.Sources[source]
	if found == nil {
		return subject{}, p.noSuchSource(address, source)
	}
	return subject{name: address, question: question, sample: func(ctx context.Context) (trial.Sample, error) { return c.sampleSource(ctx, found) }}, nil
}

// preferred asks for what a backup's own profile prefers, as far as the flags say nothing else.
func preferred(question choice.Question, preferences providers.Preferences) choice.Question {
	if question.Goal == "" {
		question.Goal = choice.Goal(preferences.Optimize)
	}
	question.MinReduction, question.Fallback = preferences.MinReduction, preferences.Fallback
	return question
}

// noSuchSource says why an address cannot be read.
func (p *project) noSuchSource(address, source string) error {
	var known []string
	for _, declared := range p.spec.Sources {
		if declared.Address == source {
			return fmt.Errorf("%s cannot be read: %s", source, declared.NotBuilt)
		}
		known = append(known, declared.Address)
	}
	for _, declared := range p.spec.Backups {
		known = append(known, declared.Address)
	}
	return fmt.Errorf("%s is not in the specification.%s", address, meant(address, known, ""))
}

// sampleFile reads samples of a file or of standard input, or the beginning of a folder.
func (c *cli) sampleFile(ctx context.Context, name string) (trial.Sample, error) {
	if name == "-" {
		return trial.OfStream(c.stdin, c.clock)
	}
	file, err := os.Open(name)
	if err != nil {
		return trial.Sample{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	switch {
	case err != nil:
		return trial.Sample{}, err
	case info.IsDir():
		return c.sampleFolder(ctx, name)
	case !info.Mode().IsRegular():
		return trial.OfStream(file, c.clock)
	}
	return trial.OfFile(file, info.Size())
}

// sampleFolder reads the beginning of what a source "files" makes of a folder.
func (c *cli) sampleFolder(ctx context.Context, name string) (trial.Sample, error) {
	folder, err := filepath.Abs(name)
	if err != nil {
		return trial.Sample{}, err
	}
	source, err := (&files.Config{Path: folder}).Source(providers.Environment{Hosts: builtin.Hosts(), Clock: c.clock, Directory: folder})
	if err != nil {
		return trial.Sample{}, err
	}
	return c.sampleSource(ctx, source)
}

// errEnough ends the reading of a source of which enough was seen.
var errEnough = errors.New("enough was read")

// sampleSource reads the beginning of a source and stops it. A source that fails by itself is an error.
func (c *cli) sampleSource(ctx context.Context, source providers.Source) (trial.Sample, error) {
	inspection, err := source.Inspect(ctx)
	if err != nil {
		return trial.Sample{}, err
	}
	reader, writer := io.Pipe()
	read := make(chan error, 1)
	go func() {
		_, err := source.Read(ctx, "imsctl-analyze", writer)
		writer.CloseWithError(err)
		read <- err
	}()
	sample, err := trial.OfStream(reader, c.clock)
	reader.CloseWithError(errEnough)
	if failure := <-read; failure != nil && !errors.Is(failure, errEnough) {
		err = failure
	}
	if sample.Size == 0 && sample.Read > 0 {
		sample.Size = inspection.Bytes
	}
	return sample, err
}
