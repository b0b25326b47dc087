package docker

import (
	"errors"
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// shell is what runs the scripts in a container. A path, for a container need not have a PATH.
const shell = "/bin/sh"

// What the script of a command says of itself in the lines with its mark.
const (
	saysReady   = "ready"   // and its process group: it waits for the word to go on
	saysNowhere = "nowhere" // there is no such folder to start in
	saysClosed  = "closed"  // that folder cannot be entered
	saysMissing = "missing" // there is no such program
	saysEnd     = "end"     // and on standard output the status, and heldOpen where another process holds that open
	heldOpen    = "held"
	goOn        = "go" // the word
)

// lookUp defines a function that prints the path of a program: as execvp(3) looks for it, without what is built into the shell.
const lookUp = `imsctl_look() { ` +
	`case $1 in */*) [ -f "$1" ] && [ -x "$1" ] && printf '%s\n' "$1"; return;; esac; ` +
	`imsctl_o=$IFS; IFS=:; for imsctl_d in $PATH; do [ -f "${imsctl_d:-.}/$1" ] && [ -x "${imsctl_d:-.}/$1" ] && ` +
	`{ IFS=$imsctl_o; printf '%s\n' "${imsctl_d:-.}/$1"; return 0; }; done; IFS=$imsctl_o; return 1; }
`

// commandScript runs a command. Its arguments are the mark, the folder to start in or nothing, "reads" where there is
// standard input, "wanted" where somebody wants standard output, the program and its arguments.
//
// The shell outlives what its group is asked for, so that the end of a command is told whatever ended it, and stays until
// it is killed: what an engine does with output that was not read when an execution ended is not promised anywhere. What the
// shell itself has to say of a command that was killed is none of the command's words. A process that still has standard
// output open is given two seconds to end.
const commandScript = lookUp + `
imsctl_m=$1 imsctl_f=$2 imsctl_r=$3 imsctl_w=$4; shift 4
if [ -n "$imsctl_f" ]; then
	CDPATH= cd -- "$imsctl_f" 2>/dev/null || { [ -d "$imsctl_f" ] && echo "$imsctl_m ` + saysClosed + `" || echo "$imsctl_m ` + saysNowhere + `"; exit 126; }
fi
imsctl_p=$(imsctl_look "$1") || { echo "$imsctl_m ` + saysMissing + `"; exit 127; }
shift
trap : TERM
echo "$imsctl_m ` + saysReady + ` $$"
IFS= read -r imsctl_l
[ "$imsctl_l" = ` + goOn + ` ] || exit 126
exec 3>&2 2>/dev/null
( [ -n "$imsctl_r" ] || exec </dev/null; exec 2>&3 3>&-; exec "$imsctl_p" "$@" )
imsctl_s=$? imsctl_h= imsctl_i=0
while [ -n "$imsctl_w" ]; do
	imsctl_h=
	for imsctl_d in /proc/[0-9]*; do
		[ "$imsctl_d" != "/proc/$$" ] && [ "$imsctl_d/fd/1" -ef "/proc/$$/fd/1" ] && { imsctl_h=` + heldOpen + `; break; }
	done
	[ -n "$imsctl_h" ] && [ "$imsctl_i" -lt 2 ] || break
	imsctl_i=$((imsctl_i+1)); sleep 1
done
echo "$imsctl_m ` + saysEnd + ` $imsctl_s $imsctl_h"
echo "$imsctl_m ` + saysEnd + `" >&3
exec sleep 100000 >/dev/null 3>&-
`

// guardScript ends a process group. It has a session of its own, so that it can do so while the streams of the command are
// stuck, and when the connection is gone: its standard input ends then, and so does all that still runs.
const guardScript = `trap '' HUP INT TERM PIPE; all=; echo ready; ` +
	`while read -r verb g; do case $verb in ` +
	`watch) all=$g; echo watching;; ` +
	`leave) exit 0;; ` +
	`*) kill -s "$verb" -- "-$g" 2>/dev/null; if kill -s 0 -- "-$g" 2>/dev/null; then echo alive; else echo gone; fi;; ` +
	`esac; done; exec >/dev/null 2>&1; [ -n "$all" ] || exit 0; ` +
	`kill -s TERM -- "-$all"; sleep 2; kill -s KILL -- "-$all"`

// invocation is the command line that runs a command under commandScript, without a word of its environment.
func invocation(mark string, command providers.Command) ([]string, error) {
	for _, variable := range command.Environment {
		if name, _, found := strings.Cut(variable, "="); !found || name == "" {
			return nil, fmt.Errorf("the environment variable %q has no name or no value", variable)
		}
	}
	for _, part := range append(append([]string{command.Directory}, command.Arguments...), command.Environment...) {
		if strings.ContainsRune(part, 0) {
			return nil, errors.New("an argument, a variable or the folder has a zero byte, which no program can be given")
		}
	}
	reads, wanted := "", ""
	if command.Stdin != nil {
		reads = "reads"
	}
	if command.Stdout != nil {
		wanted = "wanted"
	}
	return append([]string{shell, "-c", commandScript, "sh", mark, command.Directory, reads, wanted}, command.Arguments...), nil
}
