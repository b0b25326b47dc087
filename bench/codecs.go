package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
)

// codecCommand is the hidden command that runs one codec: bench codec METHOD LEVEL compress|decompress.
const codecCommand = "codec"

// codecProcess is that command: standard input to standard output.
func codecProcess(arguments []string) (err error) {
	level, err := strconv.Atoi(arguments[1])
	if err != nil {
		return fmt.Errorf("level: %w", err)
	}
	codec, err := compression.NewCodec(arguments[0], level)
	if err != nil {
		return err
	}
	buffer := make([]byte, 256<<10)
	if arguments[2] == "decompress" {
		reader, err := codec.NewReader(atRest{os.Stdin})
		if err != nil {
			return err
		}
		_, err = io.CopyBuffer(onlyWriter{os.Stdout}, onlyReader{reader}, buffer)
		return errors.Join(err, reader.Close())
	}
	writer, err := codec.NewWriter(os.Stdout)
	if err != nil {
		return err
	}
	_, err = io.CopyBuffer(onlyWriter{writer}, onlyReader{os.Stdin}, buffer)
	return errors.Join(err, writer.Close())
}

// onlyReader and onlyWriter hide every other method, so that a copy goes through one buffer, as it does in a backup.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

// atRest is a file, as a stored object is for a restore.
type atRest struct{ io.Reader }

// Settled implements providers.Settled.
func (atRest) Settled() {}

// codecContest is one format at one level: ours and the tools for it, over the same data.
type codecContest struct {
	method string
	level  int
	// part is the part of the data that is taken: the slow formats would need hours for all of it.
	part  float64
	tools [][]string
}

// codecContests are the formats and levels that are compared.
func codecContests() []codecContest {
	var list []codecContest
	for _, level := range []int{1, 6, 9} {
		list = append(list, codecContest{"gzip", level, 0.5, [][]string{{"gzip"}, {"pigz"}}})
	}
	for _, level := range []int{1, 3, 9} {
		list = append(list, codecContest{"zstd", level, 1, [][]string{{"zstd", "-q", "-T2"}}})
	}
	return append(list,
		codecContest{"bzip2", 9, 0.2, [][]string{{"bzip2"}, {"pbzip2"}}},
		codecContest{"xz", 6, 0.1, [][]string{{"xz", "-T2"}}})
}

// codecContender is one way of writing a format, and of reading it again.
type codecContender struct {
	name                 string
	compress, decompress []string
	missing              string

	wall, cpu, peak, size, reading, readingCPU series
}

// measureCodecs compares what is written and read here with the tools of each format, over a dump.
func measureCodecs(ctx context.Context, s settings, folder string, r *report) error {
	raw := filepath.Join(folder, "dump.sql")
	if err := writeDump(ctx, s, raw); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("finding this program: %w", err)
	}
	for _, contest := range codecContests() {
		if err := contest.measure(ctx, s, folder, raw, self, r); err != nil {
			return fmt.Errorf("%s %d: %w", contest.method, contest.level, err)
		}
	}
	return nil
}

// writeDump fills a database and dumps it into a file.
func writeDump(ctx context.Context, s settings, path string) (err error) {
	server, err := startFilledServer(ctx, s.scale)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	command := server.dump(ctx)
	command.Stdout = file
	return errors.Join(runQuietly(command), file.Close())
}

// spread copies a part of a file, taken in pieces from all of it, since each of a dump's tables compresses differently.
func spread(from, to string, part float64) (size int64, err error) {
	const pieces = 16
	whole, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer whole.Close()
	info, err := whole.Stat()
	if err != nil {
		return 0, err
	}
	file, err := os.Create(to)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for i := range int64(pieces) {
		begin := info.Size() * i / pieces
		length := int64(part * float64(info.Size()*(i+1)/pieces-begin))
		n, err := io.Copy(file, io.NewSectionReader(whole, begin, length))
		if err != nil {
			return 0, err
		}
		size += n
	}
	return size, nil
}

// measure lets the contenders take turns.
func (c codecContest) measure(ctx context.Context, s settings, folder, raw, self string, r *report) error {
	input := filepath.Join(folder, "input")
	bytes, err := spread(raw, input, c.part)
	if err != nil {
		return fmt.Errorf("taking a part of the dump: %w", err)
	}
	contenders, err := c.contenders(ctx, self, r)
	if err != nil {
		return err
	}
	for round := range s.runs + 1 {
		if round == 0 && s.runs == 1 {
			continue
		}
		for _, contender := range contenders {
			if contender.missing != "" {
				continue
			}
			note("round %d of %d: %s", round, s.runs, contender.name)
			if err := contender.turn(ctx, folder, input, bytes, round > 0); err != nil {
				return fmt.Errorf("%s: %w", contender.name, err)
			}
		}
	}
	c.describe(r, bytes, contenders)
	return nil
}

// contenders are ours and the tools, those that are not installed too.
func (c codecContest) contenders(ctx context.Context, self string, r *report) ([]*codecContender, error) {
	codec, err := compression.NewCodec(c.method, c.level)
	if err != nil {
		return nil, err
	}
	ours := "imsctl"
	if implemented, ok := codec.(providers.Implemented); ok {
		ours = fmt.Sprintf("imsctl (%s)", implemented.Implementation())
	}
	level := strconv.Itoa(c.level)
	list := []*codecContender{{
		name:     fmt.Sprintf("%s %s", ours, level),
		compress: []string{self, codecCommand, c.method, level, "compress"}, decompress: []string{self, codecCommand, c.method, level, "decompress"},
	}}
	for _, tool := range c.tools {
		contender := &codecContender{name: fmt.Sprintf("%s -%s", tool[0], level)}
		if len(tool) > 1 {
			contender.name += " " + tool[len(tool)-1]
		}
		list = append(list, contender)
		path, err := exec.LookPath(tool[0])
		if err != nil {
			contender.missing = tool[0] + " is missing"
			continue
		}
		contender.compress = append(append([]string{path}, tool[1:]...), "-"+level, "-c")
		contender.decompress = append(append([]string{path}, tool[1:]...), "-d", "-c")
	}
	return list, nil
}

// turn compresses and decompresses once.
func (c *codecContender) turn(ctx context.Context, folder, input string, bytes int64, counts bool) error {
	stored, back := filepath.Join(folder, "stored"), filepath.Join(folder, "back")
	writing, size, err := pass(ctx, c.compress, input, stored)
	if err != nil {
		return err
	}
	reading, again, err := pass(ctx, c.decompress, stored, back)
	if err != nil {
		return fmt.Errorf("decompressing: %w", err)
	}
	if again != bytes {
		return fmt.Errorf("%d bytes became %d", bytes, again)
	}
	if counts {
		c.wall, c.cpu = append(c.wall, writing.wall.Seconds()), append(c.cpu, writing.cpu.Seconds())
		c.peak, c.size = append(c.peak, float64(writing.peak)), append(c.size, float64(size))
		c.reading, c.readingCPU = append(c.reading, reading.wall.Seconds()), append(c.readingCPU, reading.cpu.Seconds())
	}
	return errors.Join(os.Remove(stored), os.Remove(back))
}

// pass runs a command from a file to a file, and says how large that became.
func pass(ctx context.Context, arguments []string, from, to string) (took usage, size int64, err error) {
	input, err := os.Open(from)
	if err != nil {
		return usage{}, 0, err
	}
	defer input.Close()
	output, err := os.Create(to)
	if err != nil {
		return usage{}, 0, err
	}
	defer func() { err = errors.Join(err, output.Close()) }()
	command := newCommand(ctx, arguments[0], arguments[1:]...)
	command.Stdin, command.Stdout = input, output
	if took, err = measure(ctx, command); err != nil {
		return usage{}, 0, err
	}
	info, err := output.Stat()
	if err != nil {
		return usage{}, 0, err
	}
	return took, info.Size(), nil
}

// describe adds the rows of the table: what each took, and ours against each other one.
func (c codecContest) describe(r *report, bytes int64, contenders []*codecContender) {
	for _, contender := range contenders {
		if contender.missing != "" {
			r.missing(contender.name, contender.missing)
			continue
		}
		name := fmt.Sprintf("%s, of %s", contender.name, size(float64(bytes)))
		r.row(name+": wall", contender.wall, seconds)
		r.row(name+": CPU", contender.cpu, seconds)
		r.row(name+": peak RSS of its largest process (wait4)", contender.peak, size)
		r.row(name+": stored", contender.size, size)
		r.row(name+": decompressing, wall", contender.reading, seconds)
		r.row(name+": decompressing, CPU", contender.readingCPU, seconds)
	}
	ours := contenders[0]
	for _, other := range contenders[1:] {
		if other.missing != "" {
			continue
		}
		what := fmt.Sprintf("%s %d: imsctl / %s", c.method, c.level, other.name)
		r.row("ratio of wall, "+what, ratios(ours.wall, other.wall), ratio)
		r.row("ratio of CPU, "+what, ratios(ours.cpu, other.cpu), ratio)
		r.row("ratio of size, "+what, ratios(ours.size, other.size), ratio)
		r.row("ratio of wall, decompressing, "+what, ratios(ours.reading, other.reading), ratio)
	}
}
