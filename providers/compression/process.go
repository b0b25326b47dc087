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
	stdin   io.WriteCloser
	said    lastWords
	// passed is closed when all of what the program writes has been passed on, or could not be; passing is why.
	passed  chan struct{}
	passing error
	ended   bool
	err     error
}

// newProcessWriter starts the tool. When ctx ends, it is killed. It must be closed.
func newProcessWriter(ctx context.Context, w io.Writer, tool *program, arguments ...string) (*processWriter, error) {
	path, _ := tool.find()
	p := &processWriter{tool: tool, ctx: ctx, command: tool.command(ctx, path, arguments...), passed: make(chan struct{})}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	widen(writer, pipeSize)
	p.command.Stdin, p.command.Stderr = reader, &p.said
	output, err := p.command.StdoutPipe()
	if err == nil {
		err = p.command.Start()
	}
	reader.Close()
	if err != nil {
		writer.Close()
		return nil, err
	}
	if pipe, ok := output.(*os.File); ok {
		widen(pipe, pipeSize)
	}
	p.stdin = newLender(writer)
	go p.pass(output, w)
	return p, nil
}

// pass passes on what the program writes. One whose output is not wanted any more ends when it writes again.
func (p *processWriter) pass(output io.ReadCloser, w io.Writer) {
	defer close(p.passed)
	defer output.Close()
	_, p.passing = io.CopyBuffer(onlyWriter{w}, onlyReader{output}, make([]byte, writeSize))
}

// onlyReader and onlyWriter hide every other method, so that a copy goes through the buffer that it is given.
type (
	onlyReader struct{ io.Reader }
	onlyWriter struct{ io.Writer }
)

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
	<-p.passed
	if p.err = p.tool.ended(p.ctx, p.command.Wait(), &p.said); p.err == nil {
		p.err = p.passing
	}
	return p.err
}
