package logs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// spanScript says of each log file of its input, which the engine wrote as lines of JSON, how many lines it has, how many of them
// are none of an engine, and the first and last time in it.
const spanScript = `set -u; export LC_ALL=C
while IFS= read -r path; do
	case $path in *.gz) gzip -dc -- "$path" ;; *) cat -- "$path" ;; esac 2>/dev/null | awk '
		match($0, /"time":"[0-9][0-9T:.-]*Z"}$/) {
			t = substr($0, RSTART + 8, RLENGTH - 11); n++
			t = substr(t, 1, 19) "." substr(substr(t, 21) "000000000", 1, 9)
			if (n == 1 || t < first) first = t
			if (t > last) last = t
			next
		}
		{ bad++ }
		END { print n + 0, bad + 0, first, last }'
done
`

// logFile is a file of the log of a container, oldest first in its chain.
type logFile struct {
	path        string
	number      int // 0 for the one that is written to
	lines, odd  int64
	first, last time.Time
}

// chain is the log of a container.
type chain struct {
	container providers.Container
	path      string
	files     []logFile
}

// inspectContainers looks for rotated logs.
func (c *cleaner) inspectContainers(ctx context.Context) (providers.CleanupView, error) {
	var view providers.CleanupView
	found, err := c.engine.Find(ctx, c.config.Containers...)
	if err != nil {
		return view, err
	}
	var kept remarks
	whole := 0
	for _, container := range found {
		driver, logPath, err := c.engine.LogFile(ctx, container.ID)
		if errors.Is(err, providers.ErrNoContainer) {
			continue
		}
		if err != nil {
			return view, err
		}
		if logPath == "" {
			kept.add(fmt.Sprintf("the log of %s stays: it is kept by %s, not as json-file", container.Name, driver))
			continue
		}
		one := &chain{container: container, path: logPath}
		switch err := c.list(one); {
		case errors.Is(err, fs.ErrPermission):
			view.Refusals = append(view.Refusals, fmt.Sprintf("%s may not be read by this user: run imsctl as root, or declare sudo = true on the host", path.Dir(logPath)))
			return view, nil
		case err != nil:
			return view, err
		case len(one.files) < 2:
			whole++
			continue
		}
		if err := c.inspectChain(ctx, one, &view, &kept); err != nil {
			return view, err
		}
	}
	if whole > 0 {
		kept.add(fmt.Sprintf("%s in the one file that the engine writes to, which stays: with the log options max-size and max-file it is rotated",
			units.Counted(whole, "container has its whole log", "containers have their whole logs")))
	}
	view.Notes = kept.lines()
	return view, nil
}

// list finds the files of a chain, oldest first.
func (c *cleaner) list(one *chain) error {
	entries, err := c.host.Files().ReadDir(path.Dir(one.path))
	if err != nil {
		return fmt.Errorf("looking for the log of %s: %w", one.container.Name, err)
	}
	base := path.Base(one.path)
	for _, entry := range entries {
		file := logFile{path: path.Join(path.Dir(one.path), entry.Name)}
		suffix, isLog := strings.CutPrefix(strings.TrimSuffix(entry.Name, aside), base)
		if suffix != "" {
			file.number, err = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(suffix, "."), ".gz"))
			isLog = isLog && err == nil && file.number > 0
		}
		if isLog && entry.Mode.IsRegular() {
			one.files = append(one.files, file)
		}
	}
	slices.SortFunc(one.files, func(a, b logFile) int { return b.number - a.number })
	return nil
}

// inspectChain adds what can go of the log of a container, which has rotated files.
func (c *cleaner) inspectChain(ctx context.Context, one *chain, view *providers.CleanupView, kept *remarks) error {
	if err := c.readSpans(ctx, one); err != nil {
		return err
	}
	var paths []string
	for i := range one.files {
		switch why := c.uncovered(one, i); {
		case one.files[i].number == 0 || !one.files[i].last.Before(c.environment.Clock.Now().Add(-c.config.OlderThan.Std())):
		case why != "":
			kept.add(one.files[i].path + " (" + one.container.Name + ") stays: " + why)
		default:
			paths = append(paths, one.files[i].path)
		}
	}
	if len(paths) == 0 {
		return nil
	}
	seen, err := lookAt(ctx, c.host, paths)
	if err != nil {
		return err
	}
	c.refuse(view, seen)
	for _, file := range seen.found {
		if file.openBy != "" {
			kept.add(file.path + " (" + one.container.Name + ") stays: open by " + process(file.openBy))
			continue
		}
		at := slices.IndexFunc(one.files, func(f logFile) bool { return f.path == file.path })
		// Its change is told by the engine's time of its last line: a rotation renames it, and writes nothing.
		file.changed = one.files[at].last.Add(time.Second)
		add(view, file, fmt.Sprintf("log of %s, %s until %s", one.container.Name, units.Counted(one.files[at].lines, "line", "lines"), moment(one.files[at].last)))
	}
	return nil
}

// readSpans reads the times of all files of a chain.
func (c *cleaner) readSpans(ctx context.Context, one *chain) error {
	var paths strings.Builder
	for _, file := range one.files {
		paths.WriteString(file.path + "\n")
	}
	lines, err := run(ctx, c.host, spanScript, paths.String())
	if err == nil && len(lines) != len(one.files) {
		err = fmt.Errorf("%d lines about %d files", len(lines), len(one.files))
	}
	for i := 0; err == nil && i < len(lines); i++ {
		err = one.files[i].parse(lines[i])
	}
	if err != nil {
		return fmt.Errorf("looking at the log of %s: %w", one.container.Name, err)
	}
	return nil
}

// parse reads a line of spanScript.
func (f *logFile) parse(line string) error {
	fields := strings.Fields(line)
	if len(fields) != 2 && len(fields) != 4 {
		return fmt.Errorf("awk said %q", line)
	}
	var err error
	if f.lines, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return fmt.Errorf("awk said %q", line)
	}
	if f.odd, err = strconv.ParseInt(fields[1], 10, 64); err != nil {
		return fmt.Errorf("awk said %q", line)
	}
	if len(fields) == 2 {
		return nil
	}
	const form = "2006-01-02T15:04:05.000000000"
	if f.first, err = time.Parse(form, fields[2]); err != nil {
		return fmt.Errorf("a time in it: %w", err)
	}
	if f.last, err = time.Parse(form, fields[3]); err != nil {
		return fmt.Errorf("a time in it: %w", err)
	}
	return nil
}

// uncovered says why a file of a chain is not known to be in the backup as a whole, and nothing when it is. Where there are no
// artifacts at all, the plan says so.
func (c *cleaner) uncovered(one *chain, i int) string {
	file := one.files[i]
	switch {
	case file.lines == 0 || file.odd > 0:
		return "it cannot be read as what the engine writes"
	case !one.inOrder():
		return "the times in the log are not in order, so that nobody can say what the backup has of it"
	case len(c.backing.Artifacts) == 0:
		return ""
	}
	after, until := c.span(one.container.ID)
	switch {
	case until.IsZero():
		return "the backup has nothing of this container, or an earlier version of imsctl took it"
	case !after.IsZero() && !file.first.After(after):
		return fmt.Sprintf("the backups that had its lines of before %s are gone", moment(after))
	// The next reading goes on behind the last message that was read, which must be there then, in a later file.
	case !file.last.Before(until) || !one.reaches(i, until):
		return fmt.Sprintf("the backup has the log until %s only", moment(until))
	}
	return ""
}

// inOrder reports whether each file begins where the one before it ended, or later. Where a clock was set back nothing can be told from
// times.
func (one *chain) inOrder() bool {
	last := time.Time{}
	for _, file := range one.files {
		if file.lines == 0 {
			continue
		}
		if file.first.Before(last) {
			return false
		}
		last = file.last
	}
	return true
}

// reaches reports whether a file behind another one has a moment, or what came after it.
func (one *chain) reaches(i int, at time.Time) bool {
	return slices.ContainsFunc(one.files[i+1:], func(file logFile) bool { return !file.last.Before(at) })
}

// span is the part of the log of a container that the artifacts have without a gap, up to the end of the newest one.
func (c *cleaner) span(container string) (after, until time.Time) {
	joined := false
	for _, artifact := range slices.Backward(c.backing.Artifacts) {
		for _, span := range artifact.Logs {
			switch {
			case span.Container != container:
			case !joined:
				after, until, joined = span.After, span.Until, true
			case !span.Until.Before(after) && span.After.Before(after):
				after = span.After
			}
		}
	}
	return after, until
}
