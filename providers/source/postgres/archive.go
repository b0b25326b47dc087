package postgres

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/castrolanda/imsctl/providers"
)

// archiveHeader is how the archives of pg_dump begin (pg_backup_archiver.c).
const archiveHeader = "PGDMP"

// asText returns a dump as SQL text, whether it is text or an archive. pg_restore makes text of an archive while it is read, so that
// both are restored in the same way. The text ends with io.EOF only when the dump did, and pg_restore had nothing to
// complain about. finish must be called when the text is not read any more; it waits until nothing of this is at work.
func asText(ctx context.Context, on providers.Runner, dump io.Reader) (text io.Reader, finish func()) {
	buffered := bufio.NewReaderSize(dump, 64<<10)
	// Too short a dump is no archive, and what is wrong with it shows when it is read.
	if start, _ := buffered.Peek(len(archiveHeader)); string(start) != archiveHeader {
		return buffered, func() {}
	}
	ctx, stop := context.WithCancel(ctx)
	text, written := io.Pipe()
	a := &archive{dump: buffered}
	var work sync.WaitGroup
	work.Go(func() { written.CloseWithError(a.convert(ctx, on, written)) })
	return text, func() {
		stop()
		text.(io.Closer).Close()
		work.Wait()
	}
}

// archive is an archive that is read once.
type archive struct{ dump io.Reader }

// convert writes an archive as text.
func (a *archive) convert(ctx context.Context, on providers.Runner, w io.Writer) error {
	restore, err := findProgram(ctx, on, "pg_restore")
	if err != nil {
		return err
	}
	input, feed := io.Pipe()
	fed := make(chan error, 1)
	go func() {
		err := a.feed(ctx, feed)
		feed.CloseWithError(err)
		fed <- err
	}()
	err = on.Run(ctx, providers.Command{Arguments: []string{restore.path, "--file=-"}, Stdin: input, Stdout: w})
	input.Close()
	// What the archive ends with is not of interest to pg_restore, but it must have been read: only its end proves the rest.
	if unread := <-fed; err == nil {
		err = unread
	}
	if err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	return nil
}

// feed copies the archive to pg_restore as long as that reads, and reads the rest of it.
func (a *archive) feed(ctx context.Context, w io.Writer) error {
	buffer := make([]byte, 64<<10)
	for {
		n, err := a.dump.Read(buffer)
		if w != nil && n > 0 {
			if _, broken := w.Write(buffer[:n]); broken != nil {
				w = nil
			}
		}
		if err == io.EOF {
			return nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}
