package logs

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// aside is added to the name of a file that is about to be removed. It must begin with a dot, so that no pattern for logs with a
// number at their end matches.
const aside = ".imsctl-gone"

// openFiles says which regular files are open: by device and inode, with the number and the name of the process. It is a few
// processes itself, however many there are.
const openFiles = `find /proc/[0-9]*/fd -mindepth 1 -exec stat -L -c '%d:%i %F %n' {} + 2>/dev/null |
	sed -n 's,^\([^ ]*\) regular.* /proc/\([0-9]*\)/fd/[0-9]*$,\1 \2,p' | sort -u |
	awk '{ f = "/proc/" $2 "/comm"; n = "?"; getline n < f; close(f); print $1, $2, n }'
`

// lookScript says of each path of its input what it is, and then who runs it and what is open.
const lookScript = `set -u; export LC_ALL=C
while IFS= read -r path; do
	stat -c '%d:%i %s %Y %Z %h %b %B' -- "$path" 2>/dev/null || echo gone
done
id -u
date +%s
` + openFiles

// removeScript removes files. Each is two lines of its input: its identification, size and time of change, and its path. It says of
// each what became of it: removed, changed, open with a process, or stuck where the name that it had is somebody else's now.
const removeScript = `set -u; export LC_ALL=C; trap '' HUP INT TERM
input=$(cat)
now() { stat -c '%d:%i %s %Y' -- "$1" 2>/dev/null; }
printf '%s\n' "$input" | while IFS= read -r facts && IFS= read -r path; do
	[ "$(now "$path")" = "$facts" ] && [ ! -e "$path` + aside + `" ] && mv -- "$path" "$path` + aside + `"
done
opened=$(
` + openFiles + `)
printf '%s\n' "$input" | while IFS= read -r facts && IFS= read -r path; do
	gone=$path` + aside + `
	if [ ! -e "$gone" ]; then echo changed; continue; fi
	user=$(printf '%s\n' "$opened" | grep -m 1 "^${facts%% *} ")
	if [ -z "$user" ] && [ "$(now "$gone")" = "$facts" ]; then
		rm -- "$gone" && echo removed || echo changed
	elif ln -- "$gone" "$path" 2>/dev/null && rm -- "$gone"; then
		[ -n "$user" ] && echo "open ${user#* }" || echo changed
	else
		echo stuck
	fi
done
`

// facts are what a host says of a file.
type facts struct {
	path, id string
	size     int64
	// modified is when its content was last changed, changed when that or anything else of it was, at most a second later.
	modified, changed time.Time
	links             int64
	// bytes is what it takes on the disk.
	bytes int64
	// openBy is a process that has it open, empty where none has: "123 nginx".
	openBy string
}

// parameters are a file as removeScript takes it.
func (f facts) parameters() string {
	return fmt.Sprintf("%s %d %d\n%s\n", f.id, f.size, f.modified.Unix(), f.path)
}

// run runs a script with an input and returns the lines of its output.
func run(ctx context.Context, host providers.Runner, script, input string) ([]string, error) {
	var output bytes.Buffer
	err := host.Run(ctx, providers.Command{Arguments: []string{"sh", "-c", script}, Stdin: strings.NewReader(input), Stdout: &output})
	if err != nil {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(output.String(), "\n"), "\n"), nil
}

// sight is what a host says of files.
type sight struct {
	found []facts // what is gone is left out
	// isRoot tells whether all that is open was seen.
	isRoot bool
	// now is what the clock of the host says.
	now time.Time
}

// lookAt asks a host for the facts of files.
func lookAt(ctx context.Context, host providers.Runner, paths []string) (sight, error) {
	var seen sight
	input := ""
	for _, path := range paths {
		input += path + "\n"
	}
	lines, err := run(ctx, host, lookScript, input)
	if err == nil && len(lines) < len(paths)+2 {
		err = fmt.Errorf("%d lines about %d files", len(lines), len(paths))
	}
	if err != nil {
		return seen, fmt.Errorf("looking at the files on %s: %w", host.Name(), err)
	}
	second, err := strconv.ParseInt(lines[len(paths)+1], 10, 64)
	if err != nil {
		return seen, fmt.Errorf("asking %s for the time: %w", host.Name(), err)
	}
	seen.isRoot, seen.now = lines[len(paths)] == "0", time.Unix(second, 0)
	users := make(map[string]string)
	for _, line := range lines[len(paths)+2:] {
		if id, user, ok := strings.Cut(line, " "); ok && users[id] == "" {
			users[id] = user
		}
	}
	for i, path := range paths {
		if lines[i] == "gone" {
			continue
		}
		one, err := parseFacts(lines[i])
		if err != nil {
			return seen, fmt.Errorf("looking at %s on %s: %w", path, host.Name(), err)
		}
		one.path, one.openBy = path, users[one.id]
		seen.found = append(seen.found, one)
	}
	return seen, nil
}

// parseFacts reads a line of stat.
func parseFacts(line string) (facts, error) {
	fields := strings.Fields(line)
	if len(fields) != 7 {
		return facts{}, fmt.Errorf("stat said %q", line)
	}
	var numbers [6]int64
	for i, text := range fields[1:] {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < 0 {
			return facts{}, fmt.Errorf("stat said %q", line)
		}
		numbers[i] = n
	}
	return facts{
		id: fields[0], size: numbers[0], modified: time.Unix(numbers[1], 0).UTC(),
		changed: time.Unix(max(numbers[1], numbers[2])+1, 0).UTC(), links: numbers[3], bytes: numbers[4] * numbers[5],
	}, nil
}
