// Command bench measures imsctl against the tools that people use instead, on this machine, in one run:
//
//	go run ./bench                 everything, about half an hour
//	go run ./bench -scale 0.02     a quick look
//	go run ./bench -only plan      one of: backup, plan, shapes, actions, clouds, codecs, corpora, hosts,
//	                               parallel, scale
//
// It starts a PostgreSQL server of its own in a temporary folder, fills a database, and lets the competitors take turns,
// so that a noisy machine is noisy for all of them. It prints a table in Markdown. Everything it started or wrote is gone
// when it ends, also after an interrupt.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The benchmarks, in their order.
const (
	onlyBackup   = "backup"
	onlyPlan     = "plan"
	onlyShapes   = "shapes"
	onlyActions  = "actions"
	onlyClouds   = "clouds"
	onlyCodecs   = "codecs"
	onlyCorpora  = "corpora"
	onlyHosts    = "hosts"
	onlyParallel = "parallel"
	onlyScale    = "scale"
)

// settings are the flags.
type settings struct {
	scale  float64
	runs   int
	only   string
	folder string
}

func main() {
	if len(os.Args) == 5 && os.Args[1] == writeStateCommand {
		exit(writeStateProcess(os.Args[2:]))
	}
	if len(os.Args) == 5 && os.Args[1] == codecCommand {
		exit(codecProcess(os.Args[2:]))
	}
	if len(os.Args) == 6 && os.Args[1] == fleetCommand {
		exit(fleetProcess(os.Args[2:]))
	}
	var s settings
	flag.Float64Var(&s.scale, "scale", 1, "size of the database and of the plans; 1 is a dump of about 600 MB and up to 20,000 backups")
	flag.IntVar(&s.runs, "runs", 5, "measured rounds after one that warms up")
	flag.StringVar(&s.only, "only", "", "run one benchmark only: backup, plan, shapes, actions, clouds, codecs, corpora, hosts, parallel or scale")
	flag.StringVar(&s.folder, "folder", "", "where the temporary folder is made: its disk is the one that is measured")
	flag.Parse()
	if flag.NArg() > 0 || s.scale <= 0 || s.runs < 1 || !slices.Contains([]string{"", onlyBackup, onlyPlan, onlyShapes, onlyActions, onlyClouds, onlyCodecs, onlyCorpora, onlyHosts, onlyParallel, onlyScale}, s.only) {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, s, os.Stdout)
	if ctx.Err() != nil {
		// A terminal interrupts the server too: what then fails is a consequence.
		err = ctx.Err()
	}
	exit(err)
}

// exit ends the process with the status that err deserves.
func exit(err error) {
	switch {
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "bench: interrupted")
		os.Exit(130)
	case err != nil:
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// run measures what was asked for and prints the table.
func run(ctx context.Context, s settings, out io.Writer) (err error) {
	folder, err := os.MkdirTemp(s.folder, "imsctl-bench-")
	if err != nil {
		return fmt.Errorf("making a temporary folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	program := filepath.Join(folder, "imsctl")
	if err := build(ctx, program); err != nil {
		return err
	}
	report := &report{began: time.Now()}
	if s.only == "" || s.only == onlyBackup {
		if err := measureBackups(ctx, s, folder, program, report); err != nil {
			return fmt.Errorf("benchmark of backups: %w", err)
		}
	}
	if s.only == "" || s.only == onlyPlan {
		if err := measurePlans(ctx, s, folder, program, report); err != nil {
			return fmt.Errorf("benchmark of plans: %w", err)
		}
	}
	if s.only == "" || s.only == onlyHosts {
		if err := measureHosts(ctx, s, folder, program, report); err != nil {
			return fmt.Errorf("benchmark of hosts: %w", err)
		}
	}
	if s.only == "" || s.only == onlyParallel {
		if err := measureParallel(ctx, s, folder, program, report); err != nil {
			return fmt.Errorf("benchmark of parallel copies: %w", err)
		}
	}
	if s.only == "" || s.only == onlyShapes {
		if err := measureShapes(ctx, s, folder, program, report); err != nil {
			return fmt.Errorf("benchmark of shapes: %w", err)
		}
		if err := measureReferences(ctx, s, folder, report); err != nil {
			return fmt.Errorf("benchmark of the references: %w", err)
		}
	}
	if s.only == "" || s.only == onlyActions {
		if err := measureActions(ctx, s, folder, program, report); err != nil {
			return fmt.Errorf("benchmark of actions: %w", err)
		}
	}
	if s.only == "" || s.only == onlyClouds {
		if err := measureClouds(ctx, s, folder, program, report); err != nil {
			return fmt.Errorf("benchmark of clouds: %w", err)
		}
	}
	if s.only == "" || s.only == onlyCodecs {
		if err := measureCodecs(ctx, s, folder, report); err != nil {
			return fmt.Errorf("benchmark of codecs: %w", err)
		}
	}
	if s.only == "" || s.only == onlyCorpora {
		if err := measureCorpora(ctx, s, folder, program, report); err != nil {
			return fmt.Errorf("benchmark of corpora: %w", err)
		}
	}
	if s.only == "" || s.only == onlyScale {
		if err := measureScale(ctx, s, folder, program, report); err != nil {
			return fmt.Errorf("benchmark of a fleet: %w", err)
		}
	}
	return report.write(out, s)
}

// build compiles imsctl as releases are built.
func build(ctx context.Context, program string) error {
	note("building imsctl")
	module, err := say(ctx, "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return fmt.Errorf("finding the source of imsctl: run this from a clone of the repository: %w", err)
	}
	command := newCommand(ctx, "go", "build", "-tags", "disable_grpc_modules", "-o", program, "./cmd/imsctl")
	command.Dir = strings.TrimSpace(module)
	return runQuietly(command)
}

// note tells on standard error what is being done.
func note(format string, arguments ...any) {
	fmt.Fprintf(os.Stderr, time.Now().Format("15:04:05 ")+format+"\n", arguments...)
}
