package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// asker asks a person for the values of variables. It is nil where nobody can be asked: without a terminal, with
// -input=false or with IMS_INPUT=0.
func (c *cli) asker(input bool) func(name, description string, sensitive bool) (string, error) {
	file := c.terminalInput(input)
	if file == nil {
		return nil
	}
	// One reader for all answers: what it has read ahead belongs to the next.
	lines := bufio.NewReader(file)
	return func(name, description string, sensitive bool) (string, error) {
		fmt.Fprintf(c.stderr, "var.%s\n", name)
		if description != "" {
			fmt.Fprintf(c.stderr, "  %s\n", description)
		}
		fmt.Fprint(c.stderr, "\n  Enter a value: ")
		if sensitive {
			answer, err := term.ReadPassword(int(file.Fd()))
			fmt.Fprintln(c.stderr)
			return string(answer), err
		}
		answer, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) && answer == "" {
			return "", errors.New("nothing was entered")
		}
		return strings.TrimRight(answer, "\r\n"), nil
	}
}

// terminalInput is the terminal that a person can answer on; nil where nobody can be asked.
func (c *cli) terminalInput(input bool) *os.File {
	file, ok := c.stdin.(*os.File)
	if setting, _ := c.getenv("IMS_INPUT"); !input || setting == "0" || setting == "false" || !ok || !term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return file
}

// environmentArguments are the arguments that IMS_CLI_ARGS and IMS_CLI_ARGS_command hold, divided at white space; quotes hold
// words together. They stand before the command's own.
func (c *cli) environmentArguments(command string) ([]string, error) {
	var all []string
	for _, name := range []string{"IMS_CLI_ARGS", "IMS_CLI_ARGS_" + strings.ReplaceAll(command, "-", "_")} {
		text, _ := c.getenv(name)
		words, err := splitWords(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		all = append(all, words...)
	}
	return all, nil
}

// splitWords divides a text as a shell would: quotes hold words together, a backslash keeps the next character.
func splitWords(text string) ([]string, error) {
	var words []string
	var word strings.Builder
	inside := false
	quote := rune(0)
	escaped := false
	for _, character := range text {
		switch {
		case escaped:
			word.WriteRune(character)
			escaped = false
		case character == '\\' && quote != '\'':
			escaped, inside = true, true
		case quote != 0:
			if character == quote {
				quote = 0
			} else {
				word.WriteRune(character)
			}
		case character == '"' || character == '\'':
			quote, inside = character, true
		case strings.ContainsRune(" \t\n\r", character):
			if inside {
				words = append(words, word.String())
				word.Reset()
			}
			inside = false
		default:
			word.WriteRune(character)
			inside = true
		}
	}
	if quote != 0 || escaped {
		return nil, errors.New("a quote is not closed")
	}
	if inside {
		words = append(words, word.String())
	}
	return words, nil
}
