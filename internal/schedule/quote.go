package schedule

import (
	"strconv"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"
)

// unitProgram is the program of a command line in a unit of systemd, which takes no quotes in the name of one and
// replaces no variables there.
func unitProgram(text string) string {
	if strings.ContainsAny(text, `"'\`) {
		return "/usr/bin/env " + unitWord(text)
	}
	return unitQuoted(text)
}

// unitWord is an argument of such a line.
func unitWord(text string) string { return unitQuoted(strings.ReplaceAll(text, "$", "$$")) }

func unitQuoted(text string) string {
	text = strings.NewReplacer("%", "%%", `\`, `\\`, `"`, `\"`).Replace(text)
	if strings.ContainsAny(text, " '\"\\;") {
		return `"` + text + `"`
	}
	return text
}

// specifier is a text in a unit that is taken as it is, but for specifiers. At its end a backslash would go on in the
// next line.
func specifier(text string) string {
	return strings.ReplaceAll(strings.TrimRight(text, `\`), "%", "%%")
}

// shellWord is a word of a shell.
func shellWord(text string) string {
	if text != "" && strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=@+-") == "" {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// crontab is a command in a crontab, in which a bare % is a line break.
func crontab(command string) string { return strings.ReplaceAll(command, "%", `\%`) }

// yamlText is a string of YAML. What Go escapes in texts without control characters, YAML reads the same way.
func yamlText(text string) string { return strconv.Quote(text) }

// workflowText is a string of a GitHub workflow, which replaces expressions in it.
func workflowText(text string) string {
	return yamlText(strings.ReplaceAll(text, "${{", "${{ '${{' }}"))
}

// scriptWord is a word of a shell in a workflow of GitHub: what it would replace is torn apart by quotes.
func scriptWord(text string) string {
	return strings.ReplaceAll(shellWord(text), "${{", "$''{{")
}

// argument is one of a container, in which Kubernetes replaces variables.
func argument(text string) string { return strings.ReplaceAll(text, "$(", "$$(") }

// hclText is a string of HCL.
func hclText(text string) string {
	return string(hclwrite.TokensForValue(cty.StringVal(text)).Bytes())
}
