package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

func (c *cli) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "completion SHELL",
		Short: "Print the script that completes command lines",
		Long: `Prints a script with which SHELL (bash, zsh, fish or powershell) completes
commands, flags, addresses and artifacts. To use it now, and in every shell from
now on:

  bash        source <(imsctl completion bash)
              imsctl completion bash > /etc/bash_completion.d/imsctl
  zsh         source <(imsctl completion zsh)
              imsctl completion zsh > "${fpath[1]}/_imsctl"
  fish        imsctl completion fish | source
              imsctl completion fish > ~/.config/fish/completions/imsctl.fish
  powershell  imsctl completion powershell | Out-String | Invoke-Expression`,
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args:      cobra.ExactArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			switch root := command.Root(); positional[0] {
			case "bash":
				return root.GenBashCompletionV2(c.stdout, true)
			case "zsh":
				return root.GenZshCompletion(c.stdout)
			case "fish":
				return root.GenFishCompletion(c.stdout, true)
			case "powershell":
				return root.GenPowerShellCompletionWithDesc(c.stdout)
			}
			return fmt.Errorf("there is no completion for %q: name bash, zsh, fish or powershell", positional[0])
		},
	}
}

// candidates are what can be written in one place of a command line, from a specification and its state.
type candidates func(*spec.Spec, *state.Document) []string

// flagCandidates are those of the flags that take an address or an id, in all commands that have one of that name.
var flagCandidates = map[string]candidates{
	"target": blockAddresses, "exclude": blockAddresses,
	"backup":      func(loaded *spec.Spec, _ *state.Document) []string { return backupAddresses(loaded) },
	"destination": func(loaded *spec.Spec, _ *state.Document) []string { return destinationAddresses(loaded) },
	"from":        func(loaded *spec.Spec, _ *state.Document) []string { return destinationAddresses(loaded) },
	"artifact":    func(_ *spec.Spec, document *state.Document) []string { return artifactIDs(document) },
}

// argumentCandidates are those of the first argument of a command that is not a path.
var argumentCandidates = map[string]candidates{
	"imsctl restore": func(loaded *spec.Spec, document *state.Document) []string {
		return slices.Concat(backupAddresses(loaded), artifactIDs(document), []string{"latest"})
	},
	"imsctl drill":      func(loaded *spec.Spec, _ *state.Document) []string { return drillAddresses(loaded) },
	"imsctl analyze":    analyzable,
	"imsctl state list": func(loaded *spec.Spec, _ *state.Document) []string { return backupAddresses(loaded) },
	"imsctl state show": func(_ *spec.Spec, document *state.Document) []string { return artifactIDs(document) },
}

// completeAddresses lets the shell complete the addresses and ids of a command and of those below it.
func (c *cli) completeAddresses(command *cobra.Command) error {
	for name, candidates := range flagCandidates {
		flag := command.Flags().Lookup(name)
		if flag == nil || flag.Value.Type() == "bool" {
			continue
		}
		if err := command.RegisterFlagCompletionFunc(name, c.completion(candidates)); err != nil {
			return err
		}
	}
	if candidates := argumentCandidates[command.CommandPath()]; candidates != nil {
		complete := c.completion(candidates)
		command.ValidArgsFunction = func(command *cobra.Command, arguments []string, begun string) ([]string, cobra.ShellCompDirective) {
			if len(arguments) > 0 {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return complete(command, arguments, begun)
		}
	}
	for _, child := range command.Commands() {
		if err := c.completeAddresses(child); err != nil {
			return err
		}
	}
	return nil
}

// completion offers candidates. Where the specification cannot be read there are none: a shell has no place for errors.
func (c *cli) completion(candidates candidates) cobra.CompletionFunc {
	return func(command *cobra.Command, arguments []string, begun string) ([]string, cobra.ShellCompDirective) {
		var completions []string
		if loaded := c.specToComplete(command, arguments); loaded != nil {
			for _, candidate := range candidates(loaded, c.stateToComplete(command.Context(), loaded)) {
				if strings.HasPrefix(candidate, begun) {
					completions = append(completions, candidate)
				}
			}
		}
		return completions, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveKeepOrder
	}
}

// specToComplete reads the specification that a command line is about, as far as it is written; nil when it cannot.
func (c *cli) specToComplete(command *cobra.Command, arguments []string) *spec.Spec {
	if err := c.changeDirectory(); err != nil {
		return nil
	}
	flags := command.Flags()
	// A command without one of these flags has none of its values.
	variables, _ := flags.GetStringArray("var")
	files, _ := flags.GetStringArray("var-file")
	path, err := flags.GetString("path")
	if err != nil {
		if argumentCandidates[command.CommandPath()] != nil && len(arguments) > 0 {
			arguments = arguments[1:]
		}
		path = pathArgument(arguments)
	}
	_, loaded, _, err := c.diagnose(path, inputs{variables: variables, variableFiles: files})
	if err != nil {
		return nil
	}
	return loaded
}

// completionTime is how long a shell waits for a state on a server.
const completionTime = 2 * time.Second

// stateToComplete reads the state of a specification; it is empty when it cannot be read.
func (c *cli) stateToComplete(ctx context.Context, loaded *spec.Spec) *state.Document {
	backend, err := c.backend(loaded.State, loaded.Directory, false)
	if err != nil {
		return new(state.Document)
	}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	document, err := backend.Read(ctx)
	if err != nil {
		return new(state.Document)
	}
	return document
}

func backupAddresses(loaded *spec.Spec) []string {
	addresses := make([]string, 0, len(loaded.Backups))
	for _, backup := range loaded.Backups {
		addresses = append(addresses, backup.Address)
	}
	return addresses
}

func drillAddresses(loaded *spec.Spec) []string {
	addresses := make([]string, 0, len(loaded.Drills))
	for _, drill := range loaded.Drills {
		addresses = append(addresses, drill.Address)
	}
	return addresses
}

// analyzable are the sources and backups; files are the shell's own.
func analyzable(loaded *spec.Spec, _ *state.Document) []string {
	addresses := make([]string, 0, len(loaded.Sources)+len(loaded.Backups))
	for _, source := range loaded.Sources {
		addresses = append(addresses, source.Address)
	}
	return append(addresses, backupAddresses(loaded)...)
}

func destinationAddresses(loaded *spec.Spec) []string {
	addresses := make([]string, 0, len(loaded.Destinations))
	for _, destination := range loaded.Destinations {
		addresses = append(addresses, destination.Address)
	}
	return addresses
}

// blockAddresses are the backups, destinations and drills, and the blocks that these are instances of.
func blockAddresses(loaded *spec.Spec, _ *state.Document) []string {
	addresses := slices.Concat(backupAddresses(loaded), destinationAddresses(loaded), drillAddresses(loaded))
	for _, address := range addresses {
		if block, _, instance := strings.Cut(address, "["); instance {
			addresses = append(addresses, block)
		}
	}
	slices.Sort(addresses)
	return slices.Compact(addresses)
}

// artifactIDs are those of the recorded artifacts, newest first.
func artifactIDs(document *state.Document) []string {
	artifacts := slices.Clone(document.Artifacts)
	slices.SortStableFunc(artifacts, func(a, b *state.Artifact) int { return b.StartedAt.Compare(a.StartedAt) })
	ids := make([]string, len(artifacts))
	for i, artifact := range artifacts {
		ids[i] = artifact.ID
	}
	return ids
}

// begunFlag is the beginning of a flag behind a single dash.
var begunFlag = regexp.MustCompile(`^-[a-zA-Z][-a-zA-Z0-9]*$`)

// isCompletion reports whether a command line is a shell's question for completions.
func isCompletion(arguments []string) bool {
	return len(arguments) > 1 && (arguments[0] == cobra.ShellCompRequestCmd || arguments[0] == cobra.ShellCompNoDescRequestCmd)
}

// singleDash gives the flag that a shell asks about its second dash, and the answers back the single one: shells drop
// completions that do not begin with what is written.
func singleDash(arguments []string, out io.Writer) ([]string, io.Writer) {
	last := len(arguments) - 1
	if !begunFlag.MatchString(arguments[last]) {
		return arguments, out
	}
	arguments = slices.Clone(arguments)
	arguments[last] = "-" + arguments[last]
	return arguments, &dashWriter{out}
}

// dashWriter takes the first dash off each completion. Cobra writes one with each call.
type dashWriter struct{ io.Writer }

// Write implements io.Writer.
func (w *dashWriter) Write(p []byte) (int, error) {
	text := string(p)
	if strings.HasPrefix(text, "--") {
		text = text[1:]
	}
	if _, err := io.WriteString(w.Writer, text); err != nil {
		return 0, err
	}
	return len(p), nil
}
