package redis

import (
	"errors"
	"fmt"
)

// pattern is one of Redis's own for keys: * and ?, sets in brackets ([abc], [a-z], [^a]), and \ before what means itself.
type pattern struct {
	text  string
	parts []part
}

// part matches one byte, or any number of any.
type part struct {
	many    bool
	matches [256]bool
}

// parsePattern reads a pattern. What Redis would let pass and hardly means, a set without an end, is an error.
func parsePattern(text string) (pattern, error) {
	if text == "" {
		return pattern{}, errors.New("an empty pattern matches no key: write * for all of them")
	}
	p := pattern{text: text}
	for rest := text; rest != ""; {
		var next part
		switch {
		case rest[0] == '*':
			next.many, rest = true, rest[1:]
		case rest[0] == '?':
			next.all(0, 255)
			rest = rest[1:]
		case rest[0] == '[':
			var ok bool
			if next, rest, ok = parseSet(rest[1:]); !ok {
				return pattern{}, fmt.Errorf("the pattern %q has a [ without its ]: write \\[ where the bracket itself is meant", text)
			}
		case rest[0] == '\\' && len(rest) > 1:
			next.matches[rest[1]], rest = true, rest[2:]
		default:
			next.matches[rest[0]], rest = true, rest[1:]
		}
		p.parts = append(p.parts, next)
	}
	return p, nil
}

// parseSet reads a set after its opening bracket.
func parseSet(rest string) (set part, after string, ok bool) {
	inverted := rest != "" && rest[0] == '^'
	if inverted {
		rest = rest[1:]
	}
	for rest != "" && rest[0] != ']' {
		switch {
		case rest[0] == '\\' && len(rest) > 1:
			set.matches[rest[1]], rest = true, rest[2:]
		case len(rest) > 2 && rest[1] == '-':
			set.all(min(rest[0], rest[2]), max(rest[0], rest[2]))
			rest = rest[3:]
		default:
			set.matches[rest[0]], rest = true, rest[1:]
		}
	}
	if rest == "" {
		return part{}, "", false
	}
	for i := range set.matches {
		set.matches[i] = set.matches[i] != inverted
	}
	return set, rest[1:], true
}

// all has a part match the bytes of a range.
func (p *part) all(from, to byte) {
	for i := int(from); i <= int(to); i++ {
		p.matches[i] = true
	}
}

// match reports whether a key is matched. It goes back to the last * only, so that no pattern takes for ever.
func (p pattern) match(key []byte) bool {
	at, star, resume := 0, -1, 0
	for i := 0; i < len(key); {
		switch {
		case at < len(p.parts) && p.parts[at].many:
			star, resume = at, i
			at++
		case at < len(p.parts) && p.parts[at].matches[key[i]]:
			at++
			i++
		case star >= 0:
			resume++
			at, i = star+1, resume
		default:
			return false
		}
	}
	for at < len(p.parts) && p.parts[at].many {
		at++
	}
	return at == len(p.parts)
}
