package starter

import (
	"fmt"
	"regexp"
	"strings"
)

// wholeReference is a value that is one variable and nothing else; what follows the name in braces is a default or an error.
var wholeReference = regexp.MustCompile(`^\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?:[:?+-][^}]*)?\}|([A-Za-z_][A-Za-z0-9_]*))$`)

// referenced is the variable that a text of a compose file stands for as a whole, or nothing.
func referenced(text string) string {
	if match := wholeReference.FindStringSubmatch(text); match != nil {
		return match[1] + match[2]
	}
	return ""
}

// written is the value of an environment variable of a service as the compose file has it, or nothing.
func (p *project) written(service, name string) string {
	fields, _ := p.raw[service].(map[string]any)
	switch environment := fields["environment"].(type) {
	case map[string]any:
		if value, ok := environment[name]; ok && value != nil {
			return fmt.Sprint(value)
		}
	case []any:
		for _, entry := range environment {
			if value, ok := strings.CutPrefix(fmt.Sprint(entry), name+"="); ok {
				return value
			}
		}
	}
	return ""
}

// secret chooses the environment variable for a secret of a service, of which text is what the compose file has. Two secrets that differ never get the same one.
func (f *finder) secret(service, fallback, text, value string) string {
	name := referenced(text)
	if name == "" {
		name = fallback
	}
	if other, taken := f.secrets[name]; taken && other != value {
		name = strings.ToUpper(strings.NewReplacer("-", "_", ".", "_").Replace(service)) + "_" + name
		if name[0] >= '0' && name[0] <= '9' {
			name = "_" + name
		}
	}
	f.secrets[name] = value
	return name
}

// env is the expression for a secret. Its default lets a specification be read where the secret is not at hand.
func env(name string) string { return fmt.Sprintf("env(%s, \"\")", quote(name)) }
