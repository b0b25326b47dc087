package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// hostPair is an apply that is run on this machine and once more with a part of it on a machine that SSH leads to, which is
// this one too.
type hostPair struct {
	name string
	// source and destination are blocks; %s in them is the line that says on which host they are.
	source, destination string
	direct, far         series
}

// hostBlock declares the machine that SSH leads to.
const hostBlock = "host \"ssh\" \"vm\" {\n  address = \"vm\"\n}\n"

// measureHosts compares what is read or written through SSH with the same on this machine.
func measureHosts(ctx context.Context, s settings, folder, program string, r *report) (err error) {
	server, err := startFilledServer(ctx, s.scale)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	ssh, err := testenv.StartSSH()
	if err != nil {
		return fmt.Errorf("starting sshd (scripts/test installs it where it can): %w", err)
	}
	defer func() { err = errors.Join(err, ssh.Close()) }()
	tree := filepath.Join(folder, "tree")
	if err := writeTree(ctx, tree, server); err != nil {
		return err
	}
	database := fmt.Sprintf("source \"postgres\" \"data\" {\n%%s  url = %q\n}\n", server.url)
	files := fmt.Sprintf("source \"files\" \"data\" {\n%%s  path = %q\n}\n", tree)
	here := "destination \"local\" \"copies\" {\n  path = \"copies\"\n}\n"
	pairs := []*hostPair{
		{name: "pg_dump on the host", source: database, destination: here},
		{name: "files of the host", source: files, destination: here},
		{name: "copies on the host", source: strings.ReplaceAll(files, "%s", ""), destination: "destination \"local\" \"copies\" {\n%s  path = \"" + filepath.Join(folder, "turn", "copies") + "\"\n}\n"},
	}
	for round := range s.runs + 1 {
		for _, pair := range pairs {
			note("round %d of %d: %s", round, s.runs, pair.name)
			if err := pair.take(ctx, folder, program, server, ssh, round > 0); err != nil {
				return fmt.Errorf("%s: %w", pair.name, err)
			}
		}
	}
	for _, pair := range pairs {
		r.row(pair.name+", on this machine: wall", pair.direct, seconds)
		r.row(pair.name+", through SSH: wall", pair.far, seconds)
		r.row("throughput through SSH / on this machine: "+pair.name, ratios(pair.direct, pair.far), ratio)
	}
	return nil
}

// take runs both of a pair.
func (p *hostPair) take(ctx context.Context, folder, program string, server *server, ssh *testenv.SSHServer, counts bool) error {
	for _, far := range []bool{false, true} {
		took, err := p.apply(ctx, filepath.Join(folder, "turn"), program, server, ssh, far)
		if err != nil {
			return err
		}
		switch {
		case !counts:
		case far:
			p.far = append(p.far, took.wall.Seconds())
		default:
			p.direct = append(p.direct, took.wall.Seconds())
		}
	}
	return nil
}

func (p *hostPair) apply(ctx context.Context, folder, program string, server *server, ssh *testenv.SSHServer, far bool) (took usage, err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return usage{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	where, host := "", ""
	if far {
		where, host = "  host = host.ssh.vm\n", hostBlock
	}
	place := func(block string) string { return strings.ReplaceAll(block, "%s", where) }
	text := "imsctl {\n  state \"local\" {\n    path = \"state.json\"\n  }\n}\n" + host + place(p.source) + place(p.destination) +
		"compression \"z\" {\n  method = \"zstd\"\n}\n" +
		"backup \"data\" {\n  source      = source." + sourceType(p.source) + ".data\n  compression = compression.z\n  to          = [destination.local.copies]\n  every       = \"1000d\"\n}\n"
	if err := os.WriteFile(filepath.Join(folder, "bench.hcl"), []byte(text), 0o600); err != nil {
		return usage{}, err
	}
	command := newCommand(ctx, program, "apply", "-auto-approve", folder)
	command.Env = append(server.environment(), "HOME="+ssh.Home)
	return measure(ctx, command)
}

// sourceType is the type in the first line of a source's block.
func sourceType(block string) string { return strings.Split(block, `"`)[1] }

// writeTree makes a folder with a dump of the database in pieces of 1 MiB, as files of an application are.
func writeTree(ctx context.Context, tree string, server *server) (err error) {
	note("writing files")
	dump := server.dump(ctx)
	out, err := dump.StdoutPipe()
	if err != nil {
		return err
	}
	if err := dump.Start(); err != nil {
		return err
	}
	err = writePieces(tree, out)
	if err != nil {
		// It waits for somebody who reads.
		_ = dump.Cancel()
	}
	return errors.Join(err, dump.Wait())
}

func writePieces(tree string, from io.Reader) error {
	const piece = 1 << 20
	for i := 0; ; i++ {
		folder := filepath.Join(tree, fmt.Sprintf("%02d", i%32))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return err
		}
		file, err := os.Create(filepath.Join(folder, fmt.Sprintf("%04d.txt", i)))
		if err != nil {
			return err
		}
		n, err := io.CopyN(file, from, piece)
		if errors.Is(err, io.EOF) {
			err = nil
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
		if n < piece {
			return nil
		}
	}
}
