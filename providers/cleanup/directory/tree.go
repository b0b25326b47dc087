package directory

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// listing is what GNU find prints of each entry: its type, size, blocks of 512 bytes, the times of its content and of its inode, the
// file, how many names that has, and the path below the folder, which may hold any byte but the one that ends it.
const listing = `%y %s %b %T@ %C@ %D:%i %n %P\0`

// tree is what is in a folder.
type tree struct {
	// bytes and blocks are the sizes of its files, each once however many names it has, and what they take on the disk.
	bytes, blocks, files int64
	newest               time.Time
	newestName           string
	sums                 [][]byte
	seen                 map[string]bool
}

// measure surveys the folder, with times by the clock of this machine.
func (i *inspection) measure(ctx context.Context) (*tree, error) {
	found, err := i.survey(ctx, i.path)
	if err != nil {
		return nil, err
	}
	skew, margin, err := i.skew(ctx)
	if err != nil {
		return nil, err
	}
	found.newest = found.newest.Add(margin - skew)
	return found, nil
}

// survey lists everything in a folder, and nothing of what else is mounted there.
func (c *cleaner) survey(ctx context.Context, folder string) (*tree, error) {
	found := &tree{seen: make(map[string]bool)}
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := c.host.Run(ctx, providers.Command{
			Arguments: []string{"find", folder, "-xdev", "-printf", listing}, Environment: []string{"LC_ALL=C"}, Stdout: writer,
		})
		writer.CloseWithError(err)
		ended <- err
	}()
	err := found.read(reader)
	reader.CloseWithError(err)
	if runErr := <-ended; runErr != nil {
		return nil, fmt.Errorf("listing what is in %s, which needs GNU find there: %w", folder, runErr)
	}
	if err != nil {
		return nil, fmt.Errorf("listing what is in %s: %w", folder, err)
	}
	return found, nil
}

// read takes the listing in.
func (t *tree) read(r io.Reader) error {
	buffered := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := buffered.ReadBytes(0)
		if errors.Is(err, io.EOF) && len(line) == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if err := t.add(line[:len(line)-1]); err != nil {
			return err
		}
	}
}

// add takes one entry in.
func (t *tree) add(line []byte) error {
	sum := sha256.Sum256(line)
	t.sums = append(t.sums, sum[:])
	fields := strings.SplitN(string(line), " ", 8)
	if len(fields) != 8 {
		return fmt.Errorf("%q is no entry as find prints it", line)
	}
	size, sizeErr := strconv.ParseInt(fields[1], 10, 64)
	blocks, blocksErr := strconv.ParseInt(fields[2], 10, 64)
	content, contentErr := parseTime(fields[3])
	inode, inodeErr := parseTime(fields[4])
	if err := errors.Join(sizeErr, blocksErr, contentErr, inodeErr); err != nil {
		return fmt.Errorf("%q is no entry as find prints it: %w", line, err)
	}
	if once := fields[6] == "1" || fields[0] == "d" || !t.seen[fields[5]]; once {
		t.seen[fields[5]] = fields[6] != "1" && fields[0] != "d"
		t.blocks += blocks * 512
		if fields[0] == "f" {
			t.bytes += size
		}
	}
	if fields[0] != "d" {
		t.files++
	}
	name := fields[7]
	if name == "" {
		// The inode of the folder itself changes when it is moved, also from a trash back to its place.
		inode, name = content, "the folder itself"
	}
	for _, at := range []time.Time{content, inode} {
		if at.After(t.newest) {
			t.newest, t.newestName = at, name
		}
	}
	return nil
}

// parseTime reads seconds since 1970 with a fraction.
func parseTime(text string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	seconds, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	fraction = (fraction + "000000000")[:9]
	nanoseconds, err := strconv.ParseInt(fraction, 10, 64)
	if err != nil {
		return time.Time{}, err
	}
	return time.Unix(seconds, nanoseconds).UTC(), nil
}

// fingerprint is equal for two trees with the same entries.
func (t *tree) fingerprint() string {
	slices.SortFunc(t.sums, bytes.Compare)
	sum := sha256.New()
	for _, one := range t.sums {
		sum.Write(one)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// skew is the clock of the host minus that of this machine, and how far that may be wrong.
func (c *cleaner) skew(ctx context.Context) (skew, margin time.Duration, err error) {
	if c.here {
		return 0, 0, nil
	}
	var said bytes.Buffer
	before := c.clock.Now()
	err = c.host.Run(ctx, providers.Command{Arguments: []string{"date", "-u", "+%s.%N"}, Environment: []string{"LC_ALL=C"}, Stdout: &said})
	after := c.clock.Now()
	if err != nil {
		return 0, 0, fmt.Errorf("asking %s for its time: %w", c.host.Name(), err)
	}
	there, err := parseTime(strings.TrimSpace(said.String()))
	if err != nil {
		return 0, 0, fmt.Errorf("asking %s for its time: %w", c.host.Name(), err)
	}
	margin = after.Sub(before) / 2
	skew = there.Sub(before.Add(margin))
	if skew.Abs() <= margin {
		skew = 0
	}
	return skew, margin, nil
}
