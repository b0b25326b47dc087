package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// hostPair is an apply that is run on this machine and once more with a part of it on a machine that SSH leads to, which is
// this one too.
type hostPair struct {
	name string
	// here and there are the blocks of the two: a source "data" first, and a destination "copies".
	here, there string
	direct, far side
}

// side is what the applies of one side took.
type side struct {
	wall series
	// cpu is the processor time of all that had a part in it but for the database's server: imsctl, its programs and those of sshd.
	cpu series
}

// hostLine puts a block on the machine that SSH leads to.
const hostLine = "  host = host.ssh.vm\n"

// hostBlock declares the machine that SSH leads to.
const hostBlock = "host \"ssh\" \"vm\" {\n  address = \"vm\"\n}\n"

// copiesHere is a destination on this machine.
const copiesHere = "destination \"local\" \"copies\" {\n  path = \"copies\"\n}\n"

// hostPairs are what imsctl reads and writes through its own SSH.
func hostPairs(server *server, tree, folder string) []*hostPair {
	database := func(where string) string {
		return fmt.Sprintf("source \"postgres\" \"data\" {\n%s  url = %q\n}\n", where, server.url)
	}
	files := func(where string) string {
		return fmt.Sprintf("source \"files\" \"data\" {\n%s  path = %q\n}\n", where, tree)
	}
	copies := fmt.Sprintf("destination \"local\" \"copies\" {\n%s  path = %q\n}\n", hostLine, filepath.Join(folder, "turn", "copies"))
	return []*hostPair{
		{name: "pg_dump on the host", here: database("") + copiesHere, there: database(hostLine) + copiesHere},
		{name: "files of the host", here: files("") + copiesHere, there: files(hostLine) + copiesHere},
		{name: "copies on the host", here: files("") + copiesHere, there: files("") + copies},
	}
}

// opensshPairs are the same applies with the output of a program, which OpenSSH's client carries.
func opensshPairs(server *server, ssh *testenv.SSHServer, tree string) []*hostPair {
	command := func(words ...string) string {
		quoted := make([]string, len(words))
		for i, word := range words {
			quoted[i] = fmt.Sprintf("%q", word)
		}
		return "source \"command\" \"data\" {\n  command = [" + strings.Join(quoted, ", ") + "]\n}\n" + copiesHere
	}
	var pairs []*hostPair
	for _, cipher := range []string{"chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com"} {
		for _, words := range [][]string{
			server.dump(context.Background()).Args,
			{"tar", "--create", "--file=-", "--directory=" + tree, "."},
		} {
			// As a shell there takes them for words again: none of them has a quote.
			remote := "'" + strings.Join(words, "' '") + "'"
			pairs = append(pairs, &hostPair{name: fmt.Sprintf("ssh -c %s vm %s", cipher, filepath.Base(words[0])), here: command(words...),
				there: command("ssh", "-F", filepath.Join(ssh.Home, ".ssh", "config"), "-c", cipher, "vm", remote)})
		}
	}
	return pairs
}

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
	pairs := append(hostPairs(server, tree, folder), opensshPairs(server, ssh, tree)...)
	for round := range s.runs + 1 {
		for _, pair := range pairs {
			note("round %d of %d: %s", round, s.runs, pair.name)
			if err := pair.take(ctx, folder, program, server, ssh, round > 0); err != nil {
				return fmt.Errorf("%s: %w", pair.name, err)
			}
		}
	}
	for _, pair := range pairs {
		r.row(pair.name+", on this machine: wall", pair.direct.wall, seconds)
		r.row(pair.name+", through SSH: wall", pair.far.wall, seconds)
		r.row("throughput through SSH / on this machine: "+pair.name, ratios(pair.direct.wall, pair.far.wall), ratio)
		r.row(pair.name+", on this machine: processor time of all", pair.direct.cpu, seconds)
		r.row(pair.name+", through SSH: processor time of all", pair.far.cpu, seconds)
	}
	return nil
}

// take runs both of a pair.
func (p *hostPair) take(ctx context.Context, folder, program string, server *server, ssh *testenv.SSHServer, counts bool) error {
	for _, far := range []bool{false, true} {
		before := childrenTime()
		took, err := p.apply(ctx, filepath.Join(folder, "turn"), program, server, ssh, far)
		if err != nil {
			return err
		}
		if !counts {
			continue
		}
		to := &p.direct
		if far {
			to = &p.far
		}
		to.wall = append(to.wall, took.wall.Seconds())
		for ssh.Connections() > 0 && ctx.Err() == nil {
			time.Sleep(10 * time.Millisecond) // their time is known when they have ended
		}
		to.cpu = append(to.cpu, (childrenTime() - before).Seconds())
	}
	return nil
}

// childrenTime is the processor time of all processes that were started from here and have ended, with those they waited for.
func childrenTime() time.Duration {
	var used syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &used) != nil {
		return 0 // it fails only for arguments that there are not
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func (p *hostPair) apply(ctx context.Context, folder, program string, server *server, ssh *testenv.SSHServer, far bool) (took usage, err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return usage{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	blocks := p.here
	if far {
		blocks = p.there
	}
	text := "imsctl {\n  state \"local\" {\n    path = \"state.json\"\n  }\n}\n" + hostBlock + blocks +
		"compression \"z\" {\n  method = \"zstd\"\n}\n" +
		"backup \"data\" {\n  source      = source." + sourceType(blocks) + ".data\n  compression = compression.z\n  to          = [destination.local.copies]\n  every       = \"1000d\"\n}\n"
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
