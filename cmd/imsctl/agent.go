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

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/spec"
)

// agentArguments are the flags of agent.
type agentArguments struct {
	path       string
	interval   time.Duration
	pull, once bool
	unit       bool
	fresh      time.Duration
	// listen is where metrics and health are served; empty for nowhere. A round that lasts longer than stuckAfter is not well.
	listen     string
	stuckAfter time.Duration
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

-listen serves /metrics, what "imsctl metrics" prints, and /healthz: 200 while
rounds go well, 503 with the reason when the last one failed or the running one
takes longer than -stuck-after. ":9774" is reached from this machine only,
"0.0.0.0:9774" from everywhere: there is no password and no TLS.

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
	flags.StringVar(&arguments.listen, "listen", "", "serve /metrics and /healthz at this `address` (\":9774\")")
	flags.DurationVar(&arguments.stuckAfter, "stuck-after", 6*time.Hour, "a round that takes this `long` is not well")
	flags.DurationVar(&arguments.fresh, "fresh", 0, "fail when no round went well for this `long`, and do nothing else")
	return command
}

// check refuses flags that say nothing sensible.
func (a *agentArguments) check() error {
	switch {
	case a.interval <= 0:
		return fmt.Errorf("-interval=%s: the pause must be positive", a.interval)
	case a.stuckAfter <= 0:
		return fmt.Errorf("-stuck-after=%s: the time must be positive", a.stuckAfter)
	case a.once && a.listen != "":
		return errors.New("-once and -listen: an agent that ends after one round serves nobody")
	}
	return nil
}

func (c *cli) agent(ctx context.Context, arguments agentArguments) (err error) {
	if err := arguments.check(); err != nil {
		return err
	}
	folder, err := specificationFolder(arguments.path)
	if err != nil {
		return err
	}
	file := agentFile(folder)
	switch {
	case arguments.unit:
		return c.agentUnit(folder, arguments)
	case arguments.fresh != 0:
		return c.agentFresh(file, arguments.fresh)
	}
	_, host := whoami()
	health := &agentHealth{clock: c.clock, limit: arguments.stuckAfter, record: agentRecord{
		FormatVersion: "1.0", Type: "agent", Host: host, PID: os.Getpid(), StartedAt: c.clock.Now().UTC(),
	}}
	if before, err := readAgentRecord(file); err == nil {
		health.record.LastSuccessAt = before.LastSuccessAt
	}
	var served <-chan error
	if arguments.listen != "" {
		server, err := c.serveAgent(arguments, health)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, server.stop()) }()
		served = server.ended
	}
	return c.agentRounds(ctx, arguments, folder, health, served)
}

// agentRounds makes rounds until ctx ends, or with an error what is served does.
func (c *cli) agentRounds(ctx context.Context, arguments agentArguments, folder string, health *agentHealth, served <-chan error) error {
	// A folder that once had a specification may get it back, as when it is replaced; one that never had is a mistake of who began this.
	found := !health.record.LastSuccessAt.IsZero()
	for {
		health.begin()
		failure := c.agentRound(ctx, arguments, folder)
		if ctx.Err() != nil {
			return nil
		}
		if errors.Is(failure, errNoSpecification) && !found {
			return failure
		}
		found = true
		record := health.end(failure)
		if failure != nil {
			c.problem("Error", "agent", failure)
		}
		if err := writeAgentRecord(agentFile(folder), record); err != nil {
			return err
		}
		if arguments.once {
			if failure != nil {
				return exitCode(exitError)
			}
			return nil
		}
		pause := time.NewTimer(arguments.interval)
		select {
		case <-pause.C:
		case err := <-served:
			pause.Stop()
			return err
		case <-ctx.Done():
			pause.Stop()
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

// errNoSpecification is what an agent says of a folder without any.
var errNoSpecification = errors.New("there is no specification")

// agentRound pulls and applies once. The apply is a process of its own: whatever becomes of it, the agent goes on.
func (c *cli) agentRound(ctx context.Context, arguments agentArguments, folder string) error {
	if arguments.pull {
		if output, err := c.child(ctx, "git", "-C", folder, "pull", "--ff-only", "--quiet"); err != nil {
			return fmt.Errorf("pulling the specification: %w: %s", err, bytes.TrimSpace(output))
		}
	}
	if files, err := spec.Files(arguments.path, false); err == nil && len(files) == 0 {
		return fmt.Errorf("%w in %s: write one, or name the folder that has it", errNoSpecification, folder)
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
	if arguments.listen != "" {
		line += " -listen=" + unitWord(arguments.listen)
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
