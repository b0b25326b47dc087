package paths

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/castrolanda/imsctl/internal/mention"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

const (
	// sizeLimit is the size above which a file is not read, in bytes.
	sizeLimit = 4 << 20
	// mentionLimit is how many mentions are listed.
	mentionLimit = 100
)

// check implements providers.Check.
type check struct {
	config Config
	files  providers.FileSystem
}

// mentioning is a line of a file with a path that should not be there.
type mentioning struct {
	file, forbidden, text string
	line                  int
}

// Probe reads the files.
func (c *check) Probe(ctx context.Context) (providers.Finding, error) {
	files, err := c.list(ctx)
	if err != nil {
		return providers.Finding{}, err
	}
	var mentions []mentioning
	in := make(map[string]bool)
	for _, file := range files {
		found, err := c.read(ctx, file)
		if err != nil {
			return providers.Finding{}, err
		}
		if len(found) > 0 {
			in[file] = true
		}
		mentions = append(mentions, found...)
	}
	finding := providers.Finding{Verdict: providers.Passed}
	finding.Figure("files", float64(len(files)))
	finding.Figure("mentions", float64(len(mentions)))
	switch {
	case len(files) == 0:
		finding.Add(providers.Warned, "no file matches "+strings.Join(c.config.Files, ", "))
	case len(mentions) == 0:
		finding.Add(providers.Passed, fmt.Sprintf("none of %s mentions %s", units.Counted(len(files), "file", "files"), strings.Join(c.config.Forbid, " or ")))
	default:
		finding.Add(providers.Failed, fmt.Sprintf("%s in %s of %d", units.Counted(len(mentions), "mention", "mentions"), units.Counted(len(in), "file", "files"), len(files)))
	}
	for _, found := range mentions[:min(len(mentions), mentionLimit)] {
		finding.Details = append(finding.Details, c.describe(found))
	}
	if more := len(mentions) - mentionLimit; more > 0 {
		finding.Details = append(finding.Details, fmt.Sprintf("and %d more", more))
	}
	return finding, nil
}

// describe is a mention for people, with what should be there.
func (c *check) describe(found mentioning) string {
	text := fmt.Sprintf("%s:%d: %s", found.file, found.line, found.text)
	if c.config.Instead != "" {
		text += fmt.Sprintf(" (write %s)", c.config.Instead)
	}
	return text
}

// list finds the files that a pattern is about, each once, in the order of their names.
func (c *check) list(ctx context.Context) ([]string, error) {
	found := make(map[string]bool)
	for _, pattern := range c.config.Files {
		base, _ := doublestar.SplitPattern(pattern)
		if err := c.walk(ctx, path.Clean(base), path.Clean(pattern), found); err != nil {
			return nil, err
		}
	}
	files := make([]string, 0, len(found))
	for file := range found {
		files = append(files, file)
	}
	slices.Sort(files)
	return files, nil
}

// walk adds the files at and below a place that match the pattern. What vanishes or may not be read is passed over: the
// patterns reach into the folders of others.
func (c *check) walk(ctx context.Context, at, pattern string, found map[string]bool) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("looking for %s: %w", pattern, err)
	}
	info, err := c.files.Lstat(at)
	if passedOver(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("looking for %s: %w", pattern, err)
	}
	return c.enter(ctx, at, info, pattern, found)
}

func (c *check) enter(ctx context.Context, at string, info providers.FileInfo, pattern string, found map[string]bool) error {
	switch {
	case info.Mode.IsRegular() && info.Size <= sizeLimit && doublestar.MatchUnvalidated(pattern, at):
		found[at] = true
	case info.Mode.IsDir():
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("looking for %s: %w", pattern, err)
		}
		entries, err := c.files.ReadDir(at)
		if passedOver(err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("looking for %s: %w", pattern, err)
		}
		for _, entry := range entries {
			if entry.Mode.IsDir() && !strings.Contains(pattern, "**") && strings.Count(path.Join(at, entry.Name), "/") >= strings.Count(pattern, "/") {
				continue
			}
			if err := c.enter(ctx, path.Join(at, entry.Name), entry, pattern, found); err != nil {
				return err
			}
		}
	}
	return nil
}

// read finds the mentions in a file.
func (c *check) read(ctx context.Context, file string) ([]mentioning, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	opened, err := c.files.Open(file)
	if passedOver(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	data, err := io.ReadAll(io.LimitReader(opened, sizeLimit))
	if err := errors.Join(err, opened.Close()); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	if bytes.IndexByte(data, 0) >= 0 {
		return nil, nil
	}
	var mentions []mentioning
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		for _, forbidden := range c.config.Forbid {
			if mention.In(line, forbidden) {
				mentions = append(mentions, mentioning{file: file, forbidden: forbidden, text: shortened(line), line: number})
				break
			}
		}
	}
	return mentions, nil
}

// passedOver reports whether something is not there, or not for us.
func passedOver(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission)
}

// shortened is a line as it is shown.
func shortened(line string) string {
	const most = 160
	runes := []rune(strings.TrimSpace(line))
	if len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return string(runes)
}
