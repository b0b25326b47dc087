package directory

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/internal/mention"
	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// processScript tells of all processes, as records that each end with a NUL: who looks, then what their links lead to ("L"), which of
// them have a file of the folder mapped ("M"), of which users they are ("U"), and which of them are this command and what it was
// started by ("I"); what they were started with comes as grep tells it, an argument each. The path comes in the environment, where
// nobody looks for it.
const processScript = `
[ -r /proc/self/mountinfo ] || { echo "there is no /proc as Linux has it" >&2; exit 127; }
id -u | tr '\n' '\0'
a=$$
while [ -n "$a" ] && [ "$a" -gt 0 ]; do
	printf 'I %s\0' "$a"
	a=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$a/status" 2>/dev/null)
done
find /proc -maxdepth 1 -name '[0-9]*' -printf 'U %U %f\0' 2>/dev/null
find /proc -maxdepth 3 \( -path '/proc/[0-9]*/fd/*' -o -path '/proc/[0-9]*/cwd' -o -path '/proc/[0-9]*/exe' -o -path '/proc/[0-9]*/root' -o -path '/proc/[0-9]*/ns/mnt' \) -printf 'L %P %l\0'
grep -a -z -H -e '' /proc/[0-9]*/cmdline 2>/dev/null
printf '%s\n' "$IMSCTL_FOLDER/" | grep -F -l -f - /proc/[0-9]*/maps 2>/dev/null | while read -r m; do printf 'M %s\0' "$m"; done
exit 0`

// processList is what the script told.
type processList struct {
	me string
	// own are the script and what it was started by; commands what processes were started with, by their numbers.
	own      map[string]bool
	commands map[string]string
	// others are processes of other users; all is how many there are.
	others, all int
	// uses are what processes have of the folder, by their numbers; spaces one process for each view of what is mounted.
	uses   map[string][]string
	spaces map[string]string
}

// processes says which processes use the folder: their working folders, programs and open files, and their arguments.
func (i *inspection) processes(ctx context.Context) {
	said, complaints, err := i.runLoosely(ctx, providers.Command{
		Arguments: []string{"sh", "-c", processScript}, Environment: []string{"IMSCTL_FOLDER=" + i.path},
	})
	list := parseProcesses(said, i.path)
	switch {
	case err != nil:
		i.refuse("the processes cannot be seen: %v", err)
		return
	case list.all == 0:
		i.refuse("the processes cannot be seen: %s", firstLine(complaints))
		return
	case list.me != "0" && list.others > 0:
		i.refuse("the open files of %s of other users cannot be seen: set sudo = true for the host, or run imsctl as root", units.Counted(list.others, "process", "processes"))
	case serious(complaints) != "":
		trouble := serious(complaints)
		if rest, ok := strings.CutSuffix(trouble, beRoot); ok && list.me == "0" {
			trouble = rest + "; not even root may see them here, as in a container: have imsctl reach the machine itself"
		}
		i.refuse("the open files of some processes cannot be seen: %s", trouble)
	}
	for number := range list.commands {
		if !list.own[number] && mention.In(list.commands[number], i.path) {
			list.uses[number] = append(list.uses[number], "was started with it")
		}
	}
	for _, number := range sortedNumbers(list.uses) {
		i.wait("the process %s (%s) %s", number, shortened(list.commands[number]), strings.Join(slices.Compact(list.uses[number]), ", "))
	}
	mounted := i.mountedElsewhere(ctx, list)
	if len(list.uses) == 0 && !mounted {
		i.fact("none of %s works in it, has files of it open or was started with it", units.Counted(list.all, "process", "processes"))
	}
}

// mountedElsewhere says where a namespace of its own, such as that of a container, has the folder mounted.
func (i *inspection) mountedElsewhere(ctx context.Context, list *processList) bool {
	own, err := i.ownMounts(ctx)
	if err != nil {
		i.refuse("%v", err)
		return false
	}
	var files []string
	for _, number := range list.spaces {
		files = append(files, "/proc/"+number+"/mountinfo")
	}
	if len(files) == 0 {
		i.refuse("what other processes have mounted cannot be seen")
		return false
	}
	slices.Sort(files)
	said, complaints, err := i.runLoosely(ctx, providers.Command{Arguments: append([]string{"cat"}, files...)})
	if trouble := serious(complaints); err != nil || trouble != "" {
		i.refuse("what other processes have mounted cannot be seen: %s", cmp.Or(trouble, fmt.Sprint(err)))
		return false
	}
	points := elsewhere(own, parseMounts(said), i.path)
	if len(points) > 0 {
		i.wait("it is mounted at %s", points[0])
	}
	return len(points) > 0
}

// parseProcesses reads what the script told.
func parseProcesses(text, folder string) *processList {
	list := &processList{own: make(map[string]bool), commands: make(map[string]string), uses: make(map[string][]string), spaces: make(map[string]string)}
	var rest string
	list.me, rest, _ = strings.Cut(text, "\x00")
	for record := range strings.SplitSeq(rest, "\x00") {
		if argument, ok := strings.CutPrefix(record, "/proc/"); ok {
			number, text, _ := strings.Cut(argument, "/cmdline:")
			list.commands[number] = strings.TrimSpace(list.commands[number] + " " + strings.ReplaceAll(text, "\n", " "))
			continue
		}
		kind, value, ok := strings.Cut(record, " ")
		if !ok {
			continue
		}
		switch kind {
		case "I":
			list.own[value] = true
		case "U":
			list.all++
			if user, _, _ := strings.Cut(value, " "); user != list.me {
				list.others++
			}
		case "M":
			if number, _, ok := strings.Cut(strings.TrimPrefix(value, "/proc/"), "/"); ok {
				list.uses[number] = append(list.uses[number], "has a file of it mapped")
			}
		case "L":
			list.link(value, folder)
		}
	}
	return list
}

// link takes in what a link of a process leads to: "123/fd/4 /srv/old/a.txt".
func (l *processList) link(value, folder string) {
	name, target, _ := strings.Cut(value, " ")
	number, what, _ := strings.Cut(name, "/")
	if what == "ns/mnt" {
		if _, known := l.spaces[target]; !known && target != "" {
			l.spaces[target] = number
		}
		return
	}
	target = strings.TrimSuffix(target, " (deleted)")
	if !path.IsAbs(target) || !isBelow(target, folder) {
		return
	}
	switch {
	case what == "cwd":
		l.uses[number] = append(l.uses[number], "works in "+target)
	case what == "exe":
		l.uses[number] = append(l.uses[number], "runs "+target)
	case what == "root":
		l.uses[number] = append(l.uses[number], "has its root in "+target)
	default:
		l.uses[number] = append(l.uses[number], "has "+target+" open")
	}
}

// sortedNumbers are the processes in the order of their numbers.
func sortedNumbers(uses map[string][]string) []string {
	numbers := make([]string, 0, len(uses))
	for number := range uses {
		numbers = append(numbers, number)
	}
	slices.SortFunc(numbers, func(a, b string) int {
		one, _ := strconv.Atoi(a)
		other, _ := strconv.Atoi(b)
		return one - other
	})
	return numbers
}

// shortened is a command line as it is shown.
func shortened(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// beRoot is what to do about what only root may see.
const beRoot = "; set sudo = true for the host, or run imsctl as root"

// serious is the first thing that commands complained of but that something vanished while they looked.
func serious(complaints string) string {
	for line := range strings.Lines(complaints) {
		line = strings.TrimSpace(line)
		vanished := strings.HasSuffix(line, "No such file or directory") || strings.HasSuffix(line, "No such process") ||
			strings.Contains(line, "/proc/") && strings.HasSuffix(line, "Invalid argument") // it has ended, and nobody has heard of that yet
		if line != "" && !vanished {
			if strings.HasSuffix(line, "Permission denied") {
				line += beRoot
			}
			return line
		}
	}
	return ""
}

// firstLine is the first line of what somebody complained of.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}
