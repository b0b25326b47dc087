package site

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Places in what compose says of a compose file: "yaml: line 4: …", "… at L2.C3-L4.C3: …", and a path of names.
var (
	lineSaid  = regexp.MustCompile(`\bline (\d+)`)
	rangeSaid = regexp.MustCompile(`\bL(\d+)[.,]C\d+`)
	pathSaid  = regexp.MustCompile(`\b(?:services|networks|volumes|configs|secrets)(?:\.[A-Za-z0-9_-]+)+`)
	nameSaid  = regexp.MustCompile(`(?:service|property|additional properties) ["']([^"']+)["']`)
	extraSaid = regexp.MustCompile(`additional propert(?:y|ies) ['"]([^'"]+)['"]`)
)

// composeMistake says what is wrong with a compose file, and where: compose itself seldom tells the line.
func (s *Site) composeMistake(folder string, err error) error {
	var exit *providers.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	said := lastError(exit.Stderr)
	name := path.Join(folder, s.target.Compose)
	text, readErr := s.read(name, longestRecord)
	if readErr != nil {
		text = nil // the line is left out
	}
	said = strings.TrimPrefix(strings.ReplaceAll(said, name, s.target.Compose), "validating "+s.target.Compose+": ")
	if line := mistakenLine(said, string(text)); line > 0 {
		return fmt.Errorf("%s, line %d: %s", s.target.Compose, line, said)
	}
	return fmt.Errorf("%s: %s", s.target.Compose, said)
}

// lastError is what compose said last, without warnings.
func lastError(stderr string) string {
	var kept []string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "time=") && !strings.HasPrefix(line, "WARN") {
			kept = append(kept, line)
		}
	}
	if len(kept) == 0 {
		return strings.TrimSpace(stderr)
	}
	return strings.Join(kept[max(0, len(kept)-3):], " ")
}

// mistakenLine finds the line that is meant, 0 where it cannot be told.
func mistakenLine(said, text string) int {
	for _, expression := range []*regexp.Regexp{lineSaid, rangeSaid} {
		if found := expression.FindStringSubmatch(said); found != nil {
			line, err := strconv.Atoi(found[1])
			if err == nil {
				return line
			}
		}
	}
	var keys []string
	if found := pathSaid.FindString(said); found != "" {
		keys = strings.Split(found, ".")
		if extra := extraSaid.FindStringSubmatch(said); extra != nil {
			keys = append(keys, extra[1])
		}
	} else if found := nameSaid.FindStringSubmatch(said); found != nil {
		keys = []string{"services", found[1]}
	}
	return lineOf(strings.Split(text, "\n"), keys)
}

// lineOf follows keys through the block style of YAML, in which what a key holds lies further in, and returns the line of the last one
// that was found, 0 for none.
func lineOf(lines, keys []string) int {
	at, indent, among := 0, -1, 0 // the last key and how far in it and its fellows lie; among is that of what it holds, -1 before that is seen
	for i := 0; i < len(lines) && len(keys) > 0; i++ {
		trimmed := strings.TrimLeft(lines[i], " ")
		if strings.TrimSpace(trimmed) == "" || strings.HasPrefix(trimmed, "#") {
			continue
		}
		in := len(lines[i]) - len(trimmed)
		if in <= indent {
			break // the end of what the last key holds
		}
		if among < 0 {
			among = in
		}
		key, _, ok := strings.Cut(trimmed, ":")
		if ok && in == among && strings.Trim(strings.TrimSpace(key), `"'`) == keys[0] {
			at, indent, among, keys = i+1, in, -1, keys[1:]
		}
	}
	return at
}
