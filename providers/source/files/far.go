package files

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// recordSize has a tar write 64 KiB at once, as much as a pipe takes. Its own 10 KiB make every packet on the way as small.
const recordSize = "--blocking-factor=128"

// names collects what a walk finds, for a tar on the far side: the names that go into the archive, in their order.
type names struct {
	*archive
	list bytes.Buffer
}

// entry notes a name as tar is to call it.
func (n *names) entry(_ context.Context, relative string, info providers.FileInfo) error {
	if relative == "." {
		n.list.WriteString(".\x00")
		return nil
	}
	n.list.WriteString("./" + relative + "\x00")
	return nil
}

// readFar reads the tree of another machine with a tar there. What goes into the archive is decided here, by the same walk and the
// same exclusions; tar gets the names. What it writes is written anew, so that the archive is what it would be for a tree of this
// machine: times below a second and links are there, which SFTP does not show.
func (s *source) readFar(ctx context.Context, program, root string, info providers.FileInfo, a *archive) error {
	wanted := &names{archive: a}
	if err := s.walk(ctx, root, info, wanted); err != nil || a.failed() {
		return err
	}
	reader, writer := io.Pipe()
	complaints := new(complaints)
	ended := make(chan error, 1)
	go func() {
		err := s.host.Run(ctx, providers.Command{
			Arguments: []string{program, "--create", "--file=-", recordSize, "--format=pax", "--no-recursion", "--quoting-style=escape",
				"--directory=" + root, "--null", "--no-unquote", "--files-from=-"},
			Environment: []string{"LC_ALL=C"}, Stdin: &wanted.list, Stdout: writer, Stderr: complaints,
		})
		writer.CloseWithError(err)
		ended <- err
	}()
	err := a.copyFar(ctx, reader)
	reader.CloseWithError(err)
	runErr := <-ended
	unknown := complaints.tell(a)
	var exit *providers.ExitError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case unknown != nil || a.failed():
		return unknown
	case errors.As(runErr, &exit) && exit.Signal == "" && (exit.Code == 1 || exit.Code == 2) && complaints.understood:
		// It exits so for files that changed or vanished, which is a warning here; that the archive has its end is seen below.
		if errors.Is(err, io.EOF) {
			return nil
		}
	case runErr != nil:
		return fmt.Errorf("reading %s with tar on %s: %w", root, s.host.Name(), runErr)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// copyFar writes the entries of tar's archive. io.EOF is its end.
func (a *archive) copyFar(ctx context.Context, r io.Reader) error {
	counted := &lastBytes{r: r}
	far := tar.NewReader(counted)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		header, err := far.Next()
		if errors.Is(err, io.EOF) {
			// What fills up tar's last record has to be read too.
			if _, err := io.Copy(io.Discard, counted); err != nil && !isExit(err) {
				return err
			}
			if counted.zeros < 2*tarBlock {
				return errors.New("the archive of the tar there has no end")
			}
			return io.EOF
		}
		if err != nil {
			return fmt.Errorf("reading what the tar there writes: %w", err)
		}
		if err := a.farEntry(header, far); err != nil {
			return err
		}
	}
}

// isExit reports whether an error is only that tar exited with complaints, which are judged by themselves.
func isExit(err error) bool {
	var exit *providers.ExitError
	return errors.As(err, &exit)
}

// farEntry writes one entry anew.
func (a *archive) farEntry(header *tar.Header, content io.Reader) error {
	relative := path.Clean(header.Name)
	info := providers.FileInfo{
		Name: path.Base(relative), Size: header.Size, Mode: header.FileInfo().Mode(), Modified: header.ModTime,
		UID: header.Uid, GID: header.Gid, Owner: header.Uname, Group: header.Gname,
	}
	again := tar.Header{Typeflag: header.Typeflag, Linkname: header.Linkname, Size: header.Size, Devmajor: header.Devmajor, Devminor: header.Devminor}
	if header.Typeflag == tar.TypeReg && header.FileInfo().Mode().IsDir() || relative == "" {
		return fmt.Errorf("the tar there writes an entry that is no entry: %s", printable(header.Name))
	}
	if err := a.header(relative, info, again); err != nil || header.Typeflag != tar.TypeReg || a.failed() {
		return err
	}
	if _, err := io.CopyBuffer(struct{ io.Writer }{a.tar}, content, a.buffer); err != nil {
		return fmt.Errorf("writing the content of %s: %w", printable(relative), err)
	}
	return nil
}

// lastBytes counts the zeros that a stream ends with.
type lastBytes struct {
	r     io.Reader
	zeros int
}

func (l *lastBytes) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if trailing := n - len(bytes.TrimRight(p[:n], "\x00")); trailing == n {
		l.zeros += n
	} else {
		l.zeros = trailing
	}
	return n, err
}

// complaints turns what tar says into warnings and errors.
type complaints struct {
	line []byte
	// warned and failed are what is known of files, more is how many warnings there are beyond those.
	warned, failed []complaint
	more           int
	// understood is set by the first complaint about a file, and unknown the first that is none of those that are known.
	understood bool
	unknown    error
}

// complaint is about a file.
type complaint struct{ text, name string }

// tell passes everything on to the archive, once tar has ended, and returns what is not understood.
func (c *complaints) tell(a *archive) error {
	for _, warned := range c.warned {
		a.warn(warned.text, warned.name)
	}
	a.more += c.more
	for _, failed := range c.failed {
		if err := a.unreadable(failed.name, errors.New(failed.text)); err != nil {
			return err
		}
	}
	return c.unknown
}

// said are the complaints that are only warnings; the texts are those of a reading by imsctl itself (GNU tar, create.c and misc.c).
var said = []struct {
	form *regexp.Regexp
	text string
}{
	{regexp.MustCompile(`^(.*): File removed before we read it$`), "vanished while reading"},
	{regexp.MustCompile(`^(.*): Cannot (?:stat|open|readlink): No such file or directory$`), "vanished while reading"},
	{regexp.MustCompile(`^(.*): file changed as we read it$`), "changed while reading"},
	{regexp.MustCompile(`^(.*): socket ignored$`), "left out, because it is a socket"},
	{regexp.MustCompile(`^(.*): File shrank by (\d+) bytes?; padding with zeros$`), "shrank while reading, the last %s bytes are zeros"},
}

var cannotRead = regexp.MustCompile(`^(.*): (?:Cannot|Read error at byte \d+, while reading \d+ bytes).*: (.*)$`)

// Write takes what tar says.
func (c *complaints) Write(p []byte) (int, error) {
	c.line = append(c.line, p...)
	for {
		at := bytes.IndexByte(c.line, '\n')
		if at < 0 {
			return len(p), nil
		}
		c.judge(string(c.line[:at]))
		c.line = c.line[at+1:]
	}
}

func (c *complaints) judge(line string) {
	_, text, found := strings.Cut(line, ": ")
	if !found || strings.HasPrefix(text, "Exiting with failure status") || strings.HasPrefix(text, "Removing leading") {
		return
	}
	for _, known := range said {
		if match := known.form.FindStringSubmatch(text); match != nil {
			c.understood = true
			warning := known.text
			if len(match) > 2 {
				warning = fmt.Sprintf(known.text, match[2])
			}
			if len(c.warned) < maxWarnings {
				c.warned = append(c.warned, complaint{warning, relativeOf(match[1])})
			} else {
				c.more++
			}
			return
		}
	}
	if match := cannotRead.FindStringSubmatch(text); match != nil {
		c.understood = true
		if len(c.failed) < maxUnreadable {
			c.failed = append(c.failed, complaint{match[2], relativeOf(match[1])})
		}
		return
	}
	if c.unknown == nil {
		c.unknown = fmt.Errorf("the tar there says: %s", printable(line))
	}
}

// relativeOf is the name of a complaint as a warning has it.
func relativeOf(name string) string {
	if plain, err := strconv.Unquote(`"` + strings.ReplaceAll(name, `"`, `\"`) + `"`); err == nil {
		name = plain
	}
	return path.Clean(name)
}
