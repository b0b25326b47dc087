// Package command backs up what a program writes to its standard output.
//
// The program is started without a shell, in the folder of the specification, and a program named with a relative path
// is looked for from there. On another host, which has no such folder, it starts where a login starts. It has to exit with status 0 and to have written something: a program that fails, is ended by
// a signal or writes nothing gives no backup. Where the output has a known beginning or end, header and end_marker make
// sure of them too, which catches programs that fail with status 0.
//
// What a failing program said last on its standard error, up to 4 KiB, is in the error, with the values of environment
// struck out. What a successful one says there is dropped: many programs report progress that way, and a warning with
// every backup would soon be overlooked. A program that does not end when it is asked to (SIGTERM) is killed.
package command

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: source "command".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindSource,
		Type:    "command",
		Summary: "What a program writes to its standard output.",
		New:     func() providers.Config { return &Config{Extension: ".bin"} },
	}
}

// extensionPattern is that of file name extensions. Some have two parts (".tar.gz"); what is longer is a name.
var extensionPattern = regexp.MustCompile(`^(\.[A-Za-z0-9_-]+){1,3}$`)

// maxExtension is the longest extension, in bytes.
const maxExtension = 51

// Config is the body of the block.
type Config struct {
	Host        providers.Reference `hcl:"host,optional" doc:"The host it runs on; the machine imsctl runs on when left out."`
	Command     []string            `hcl:"command" doc:"The program and its arguments; no shell is involved. It runs in the folder of the specification, or on another host where a login there starts, must exit with status 0 and must write something; what it says on standard error is told only when it fails."`
	Environment map[string]string   `hcl:"environment,optional" doc:"Variables added to its environment, the place for secrets: their values are never shown."`
	Extension   string              `hcl:"extension,optional" doc:"The file name extension of the artifact, with its dot; \".bin\" when left out."`
	Header      string              `hcl:"header,optional" doc:"A text that must occur in the first 1 KiB of the output."`
	EndMarker   string              `hcl:"end_marker,optional" doc:"A text that must occur in the last 1 KiB of the output, without which it counts as cut off."`
}

// Validate checks everything but that the program is there.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	report := func(attribute, summary, detail string, arguments ...any) {
		problems = append(problems, providers.Problem{Attribute: attribute, Summary: summary, Detail: fmt.Sprintf(detail, arguments...)})
	}
	switch {
	case len(c.Command) == 0 || c.Command[0] == "":
		report("command", "No program", `Name the program and its arguments, one by one: ["redis-cli", "--rdb", "-"].`)
	case strings.Contains(c.Command[0], "/") && !path.IsAbs(c.Command[0]) && !c.here():
		report("command", "Relative path on another host", "%q would start at the folder of the specification, which is not on %s. Write an absolute path.", c.Command[0], c.Host.Address)
	case slices.ContainsFunc(c.Command, func(argument string) bool { return strings.ContainsRune(argument, 0) }):
		report("command", "Invalid argument", "An argument contains a zero byte, which no program can be given.")
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		switch {
		case name == "" || strings.ContainsAny(name, "=\x00"):
			report("environment", "Invalid variable name", "%q is no name of an environment variable.", name)
		case strings.ContainsRune(c.Environment[name], 0):
			report("environment", "Invalid variable", "The value of %s contains a zero byte.", name)
		}
	}
	if len(c.Extension) > maxExtension || !extensionPattern.MatchString(c.Extension) {
		report("extension", "Invalid extension", `%q is no file name extension. Write a dot and letters, digits, "-" or "_", such as ".sql".`, c.Extension)
	}
	if len(c.Header) > providers.HeaderWindow {
		report("header", "Header too long", "It has %d bytes; it is looked for in the first %d.", len(c.Header), providers.HeaderWindow)
	}
	if len(c.EndMarker) > providers.TrailerWindow {
		report("end_marker", "End marker too long", "It has %d bytes; it is looked for in the last %d.", len(c.EndMarker), providers.TrailerWindow)
	}
	return problems
}

// here reports whether the program runs on the machine imsctl runs on.
func (c *Config) here() bool {
	return c.Host.IsZero() || strings.HasPrefix(c.Host.Address+".", "host.local.")
}

// Source makes the source.
func (c *Config) Source(environment providers.Environment) (providers.Source, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	s := &source{
		host:      host,
		arguments: slices.Clone(c.Command),
		format:    providers.Format{Extension: c.Extension, Trailer: []byte(c.EndMarker)},
	}
	if c.here() {
		s.directory = environment.Directory
	}
	if program := c.Command[0]; strings.Contains(program, "/") && !path.IsAbs(program) {
		s.arguments[0] = path.Join(environment.Directory, program)
	}
	if c.Header != "" {
		s.format.Headers = [][]byte{[]byte(c.Header)}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		s.environment = append(s.environment, name+"="+c.Environment[name])
		s.secrets = append(s.secrets, c.Environment[name])
	}
	return s, nil
}

// Claim implements providers.Claimed. Commands that differ in anything, such as a database that a variable names, read something else.
func (c *Config) Claim(environment providers.Environment) providers.Claim {
	claim := providers.Claim{Host: c.Host, What: "the output of " + path.Base(c.Command[0]), More: slices.Clone(c.Command)}
	if c.here() {
		claim.More = append(claim.More, environment.Directory)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Environment)) {
		claim.More = append(claim.More, name+"="+c.Environment[name])
	}
	return claim
}
