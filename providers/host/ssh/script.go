package ssh

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// What a script says of itself in the line with its mark.
const (
	saysReady   = "ready"       // and its process group: it waits for the word to go on
	saysNowhere = "nowhere"     // there is no such folder to start in
	saysClosed  = "closed"      // that folder cannot be entered
	saysMissing = "missing"     // there is no such program
	goOn        = "go"          // the word
	lookUp      = `look() { ` + // prints the path of a program: as execvp(3) looks for it, without what is built into the shell
		`case $1 in */*) [ -f "$1" ] && [ -x "$1" ] && printf '%s\n' "$1"; return;; esac; ` +
		`o=$IFS; IFS=:; for d in $PATH; do [ -f "${d:-.}/$1" ] && [ -x "${d:-.}/$1" ] && { IFS=$o; printf '%s\n' "${d:-.}/$1"; return 0; }; done; IFS=$o; return 1; }; `
	// tellGroup sets g to the process group of the shell: from Linux's /proc, else from ps, else its own number, which is
	// right under a server that gives each command a session of its own.
	tellGroup = `g=; [ ! -r /proc/$$/stat ] || read -r a b c d g e </proc/$$/stat; ` +
		`[ -n "$g" ] || g=$(ps -o pgid= -p $$ 2>/dev/null); g=$(printf %s "$g" | tr -cd 0-9); g=${g:-$$}; `
)

// variablePattern is that of the names that a shell can pass on.
var variablePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// quote makes one word of a text for a shell's script that has only one line: $n is a line's end there.
func quote(text string) string {
	text = strings.ReplaceAll(text, "'", `'\''`)
	return "'" + strings.ReplaceAll(text, "\n", `'"$n"'`) + "'"
}

// commandScript is the script that becomes a command once it is told to go on. It is one line.
func commandScript(command providers.Command) (string, error) {
	var script strings.Builder
	script.WriteString(`n=$(printf '\nx'); n=${n%x}; ` + lookUp)
	if command.Directory != "" {
		where := quote(command.Directory)
		fmt.Fprintf(&script, `CDPATH= cd -- %s 2>/dev/null || { if [ -d %s ]; then echo "$m %s"; else echo "$m %s"; fi; exit 126; }; `,
			where, where, saysClosed, saysNowhere)
	}
	fmt.Fprintf(&script, `p=$(look %s) || { echo "$m %s"; exit 127; }; `, quote(command.Arguments[0]), saysMissing)
	script.WriteString(tellGroup)
	fmt.Fprintf(&script, `echo "$m %s $g"; IFS= read -r w; [ "$w" = %s ] || exit 126; `, saysReady, goOn)
	for _, variable := range command.Environment {
		name, value, found := strings.Cut(variable, "=")
		if !found || !variablePattern.MatchString(name) {
			return "", fmt.Errorf("the environment variable %q cannot be passed to another machine: a name there has letters, digits and _", name)
		}
		fmt.Fprintf(&script, "export %s=%s; ", name, quote(value))
	}
	script.WriteString("exec")
	for _, argument := range command.Arguments {
		script.WriteString(" " + quote(argument))
	}
	if command.Stdin == nil {
		script.WriteString(" </dev/null")
	}
	for _, part := range append(append([]string{command.Directory}, command.Arguments...), command.Environment...) {
		if strings.ContainsRune(part, 0) {
			return "", fmt.Errorf("an argument, a variable or the folder has a zero byte, which no program can be given")
		}
	}
	return script.String(), nil
}
