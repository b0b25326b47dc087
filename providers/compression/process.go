package compression

import (
	"context"
	"io"
	"os"
	"os/exec"
)

// pipeSize is how much may wait to be read by a program, in bytes.
const pipeSize = 1 << 20

// processWriter compresses a stream by one run of a program, which starts its own threads.
type processWriter struct {
	tool    *program
	ctx     context.Context
	command *exec.Cmd
	stdin   *os.File
	said    lastWords
	ended   bool
	err     error
}

// newProcessWriter starts the tool. When ctx ends, it is killed. It must be closed.
func newProcessWriter(ctx context.Context, w io.Writer, tool *program, arguments ...string) (*processWriter, error) {
	path, _ := tool.find()
	p := &processWriter{tool: tool, ctx: ctx, command: tool.command(ctx, path, arguments...)}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	widen(writer, pipeSize)
	p.stdin = writer
	p.command.Stdin, p.command.Stdout, p.command.Stderr = reader, w, &p.said
	err = p.command.Start()
	reader.Close()
	if err != nil {
		writer.Close()
		return nil, err
	}
	return p, nil
}

// Write implements io.Writer. If the program reads no more, the error is how it ended.
func (p *processWriter) Write(data []byte) (int, error) {
	n, err := p.stdin.Write(data)
	if err == nil {
		return n, nil
	}
	if ending := p.Close(); ending != nil {
		err = ending
	}
	p.err = err
	return n, err
}

// Close implements io.Closer. It waits for the program, also for one that was killed.
func (p *processWriter) Close() error {
	if p.ended {
		return p.err
	}
	p.ended = true
	p.stdin.Close()
	p.err = p.tool.ended(p.ctx, p.command.Wait(), &p.said)
	return p.err
}
