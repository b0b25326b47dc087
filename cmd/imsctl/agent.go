package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/atomicfile"
	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/units"
)

// agentArguments are the flags of agent.
type agentArguments struct {
	path       string
	interval   time.Duration
	pull, once bool
	unit       bool
	fresh      time.Duration
}

func (c *cli) agentCommand() *cobra.Command {
	var arguments agentArguments
	command := &cobra.Command{
		Use:   "agent [flags] [PATH]",
		Short: "Apply again and again, on a host that must look after itself",
		Long: `Runs "imsctl apply -auto-approve" for PATH at an interval until it is stopped,
with -pull after a "git pull --ff-only" of the clone that PATH is in: what is
merged there is what the host becomes, also when nobody can reach it. A round
that fails is told, and the next one comes all the same. Flags for apply come
from IMS_CLI_ARGS_apply, variables from IMS_VAR_name.

When rounds ended well is recorded in .imsctl/agent.json in the folder of the
specification. "imsctl agent -fresh 1h" asks that of a running agent, for
monitoring: an agent that fails in silence is worse than none. -unit prints a
unit for systemd.

EXIT STATUS
  0  stopped; -once: the round went well; -fresh: the last one is that young
  1  -once: the round failed; -fresh: no round went well since, or an error`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.path = pathArgument(positional)
			return c.agent(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	flags.DurationVar(&arguments.interval, "interval", 5*time.Minute, "wait this `long` between two rounds")
	flags.BoolVar(&arguments.pull, "pull", false, "before each round, pull the clone that PATH is in")
	flags.BoolVar(&arguments.once, "once", false, "make one round")
	flags.BoolVar(&arguments.unit, "unit", false, "print a unit for systemd, and do nothing")
	flags.DurationVar(&arguments.fresh, "fresh", 0, "fail when no round went well for this `long`, and do nothing else")
	return command
}

// agentRecord is what an agent remembers of itself.
type agentRecord struct {
	FormatVersion string `json:"format_version"`
	Type          string `json:"type"`
	Host          string `json:"host"`
	PID           int    `json:"pid"`
	// StartedAt is when the agent began, LastAt when its last round did, LastSuccessAt when the last one that went well did, UTC.
	StartedAt     time.Time `json:"started_at"`
	LastAt        time.Time `json:"last_at,omitzero"`
	LastSuccessAt time.Time `json:"last_success_at,omitzero"`
	Rounds        int       `json:"rounds"`
	// Error is why the last round failed, in one line.
	Error string `json:"error,omitzero"`
}

func (c *cli) agent(ctx context.Context, arguments agentArguments) error {
	if arguments.interval <= 0 {
		return fmt.Errorf("-interval=%s: the pause must be positive", arguments.interval)
	}
	folder, err := specificationFolder(arguments.path)
	if err != nil {
		return err
	}
	file := filepath.Join(folder, ".imsctl", "agent.json")
	switch {
	case arguments.unit:
		return c.agentUnit(folder, arguments)
	case arguments.fresh != 0:
		return c.agentFresh(file, arguments.fresh)
	}
	_, host := whoami()
	record := agentRecord{FormatVersion: "1.0", Type: "agent", Host: host, PID: os.Getpid(), StartedAt: c.clock.Now().UTC()}
	if before, err := readAgentRecord(file); err == nil {
		record.LastSuccessAt = before.LastSuccessAt
	}
	for {
		failure := c.agentRound(ctx, arguments, folder)
		if ctx.Err() != nil {
			return nil
		}
		record.Rounds++
		record.LastAt, record.Error = c.clock.Now().UTC(), ""
		if failure == nil {
			record.LastSuccessAt = record.LastAt
		} else {
			record.Error, _, _ = strings.Cut(failure.Error(), "\n")
			c.problem("Error", "agent", failure)
		}
		if err := writeAgentRecord(file, record); err != nil {
			return err
		}
		if arguments.once {
			if failure != nil {
				return exitCode(exitError)
			}
			return nil
		}
		if clock.Sleep(ctx, arguments.interval) != nil {
			return nil
		}
	}
}

// specificationFolder is the absolute folder of a specification, which a path names as such or as a file in it.
func specificationFolder(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("the specification: %w", err)
	}
	if !info.IsDir() {
		path = filepath.Dir(path)
	}
	return filepath.Abs(path)
}

// agentRound pulls and applies once. The apply is a process of its own: whatever becomes of it, the agent goes on.
func (c *cli) agentRound(ctx context.Context, arguments agentArguments, folder string) error {
	if arguments.pull {
		if output, err := c.child(ctx, "git", "-C", folder, "pull", "--ff-only", "--quiet"); err != nil {
			return fmt.Errorf("pulling the specification: %w: %s", err, bytes.TrimSpace(output))
		}
	}
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding imsctl itself: %w", err)
	}
	output, err := c.child(ctx, program, "apply", "-auto-approve", "-input=false", arguments.path)
	if err != nil || !bytes.Contains(output, []byte("No changes.")) {
		fmt.Fprintf(c.stdout, "%s\n%s\n", c.clock.Now().UTC().Format(time.RFC3339), bytes.TrimSpace(output))
	}
	if err != nil {
		return fmt.Errorf("the apply ended with %w", err)
	}
	return nil
}

// childGrace is how long an interrupted apply has to finish or undo what it does.
const childGrace = 30 * time.Second

// child runs a program to its end and returns what it printed. With ctx it is interrupted first.
func (c *cli) child(ctx context.Context, program string, arguments ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, program, arguments...)
	command.Env = append(c.environment[:len(c.environment):len(c.environment)], "GIT_TERMINAL_PROMPT=0")
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = childGrace
	return command.CombinedOutput()
}

// agentFresh fails when no round went well lately.
func (c *cli) agentFresh(file string, limit time.Duration) error {
	record, err := readAgentRecord(file)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("no agent has ever made a round: there is no %s", file)
	case err != nil:
		return err
	case record.LastSuccessAt.IsZero():
		return fmt.Errorf("no round of the agent ever went well; the last error: %s", record.Error)
	}
	age := c.clock.Now().Sub(record.LastSuccessAt)
	if age > limit {
		text := fmt.Sprintf("the last round that went well was %s ago, and %s is the most", units.Age(age), units.Age(limit))
		if record.Error != "" {
			text += "; the last error: " + record.Error
		}
		return errors.New(text)
	}
	fmt.Fprintf(c.stdout, "The last round that went well was %s ago.\n", units.Age(age))
	return nil
}

func readAgentRecord(file string) (agentRecord, error) {
	var record agentRecord
	data, err := os.ReadFile(file)
	if err != nil {
		return record, fmt.Errorf("reading what the agent recorded: %w", err)
	}
	if err := json.Unmarshal(data, &record); err != nil {
		return record, fmt.Errorf("reading what the agent recorded in %s: %w", file, err)
	}
	return record, nil
}

func writeAgentRecord(file string, record agentRecord) error {
	data, err := json.Marshal(record, jsontext.WithIndent("  "))
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = atomicfile.Write(file, append(data, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("recording the round: %w", err)
	}
	return nil
}

// agentUnit prints a unit for systemd.
func (c *cli) agentUnit(folder string, arguments agentArguments) error {
	program, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding imsctl itself: %w", err)
	}
	line := fmt.Sprintf("%s agent -interval=%s", unitWord(program), arguments.interval)
	if arguments.pull {
		line += " -pull"
	}
	_, err = fmt.Fprintf(c.stdout, `# /etc/systemd/system/imsctl-agent.service
[Unit]
Description=imsctl keeps what %[2]s declares
Wants=network-online.target
After=network-online.target docker.service

[Service]
ExecStart=%[1]s %[3]s
WorkingDirectory=%[4]s
Restart=always
RestartSec=30
# An apply that is interrupted finishes or undoes what it does.
KillMode=mixed
TimeoutStopSec=60

[Install]
WantedBy=multi-user.target
`, line, strings.ReplaceAll(folder, "%", "%%"), unitWord(folder), strings.ReplaceAll(folder, "%", "%%"))
	return err
}

// unitWord is a word of a command line in a unit.
func unitWord(text string) string {
	text = strings.NewReplacer("%", "%%", "$", "$$", `\`, `\\`, `"`, `\"`).Replace(text)
	if strings.ContainsAny(text, " \t'\"\\") {
		return `"` + text + `"`
	}
	return text
}
