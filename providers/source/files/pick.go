package files

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/castrolanda/imsctl/internal/spelling"
)

// maxNames is how many names of an archive are kept to propose one of them.
const maxNames = 20_000

// picker reads an archive to its end and gives out what is wanted of it, with cleaned names. The folders that something wanted
// lies in come before it.
type picker struct {
	source *bufio.Reader
	tar    *tar.Reader
	// wanted are patterns from the archive's top; everything is when there are none. found says which have matched.
	wanted []exclusion
	texts  []string
	found  []bool
	// folders are those that were not given out, by their names; given and chosen are entries that were, and that were matched.
	folders       map[string]*tar.Header
	given, chosen map[string]bool
	// ready are entries that come next; the content in turn is that of the last.
	ready []*tar.Header
	// roots are what was matched, or else what is at the top; names some of all names.
	roots, names []string
	entries      int
	// single is set as long as there is nothing but one entry that is no folder.
	single bool
}

// newPicker reads patterns. They are those of exclude, but always from the top.
func newPicker(ctx context.Context, archive io.Reader, patterns []string) (*picker, error) {
	source := bufio.NewReaderSize(&untilDone{ctx: ctx, reader: archive}, copySize)
	p := &picker{source: source, tar: tar.NewReader(source), folders: make(map[string]*tar.Header),
		given: make(map[string]bool), chosen: make(map[string]bool), single: true}
	var err error
	p.wanted, err = rooted(patterns)
	p.texts, p.found = patterns, make([]bool, len(patterns))
	return p, err
}

// rooted are patterns from the archive's top.
func rooted(patterns []string) ([]exclusion, error) {
	var wanted []exclusion
	for _, text := range patterns {
		pattern, err := newExclusion("/" + strings.TrimPrefix(strings.TrimPrefix(text, "./"), "/"))
		if err != nil {
			return nil, fmt.Errorf("the path %q %w", text, err)
		}
		pattern.byName = false
		wanted = append(wanted, pattern)
	}
	return wanted, nil
}

// next returns the next entry that is wanted; its content, if it has any, is read from tar. io.EOF comes when the stream was read to
// its end, whole.
func (p *picker) next() (*tar.Header, error) {
	for {
		if len(p.ready) > 0 {
			header := p.ready[0]
			p.ready = p.ready[1:]
			return header, nil
		}
		header, err := p.tar.Next()
		if errors.Is(err, io.EOF) {
			return nil, p.end()
		}
		if err != nil {
			return nil, fmt.Errorf("reading the archive: %w", err)
		}
		if header.Typeflag == tar.TypeXGlobalHeader {
			continue // says nothing that would be restored
		}
		if err := p.take(header); err != nil {
			return nil, fmt.Errorf("unpacking %s: %w", printable(header.Name), err)
		}
	}
}

// end reads what lies behind the archive's end and proves it: only the end of the stream says that all of it is right.
func (p *picker) end() error {
	if _, err := io.Copy(io.Discard, p.source); err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	if p.entries == 0 {
		return errors.New("there is nothing in the archive")
	}
	for i, found := range p.found {
		if !found {
			return fmt.Errorf("nothing in the archive matches the path %q%s", p.texts[i], p.near(p.texts[i]))
		}
	}
	return io.EOF
}

// near proposes names that are like a pattern that matched nothing.
func (p *picker) near(text string) string {
	text = strings.Trim(strings.TrimPrefix(text, "./"), "/")
	names := spelling.Near(text, p.names, func(name string) bool { return path.Base(name) == path.Base(text) })
	if len(names) == 0 {
		return ": paths begin below the folder that was backed up"
	}
	return "; did you mean " + printable(strings.Join(names[:min(3, len(names))], ", ")) + "?"
}

// take decides on an entry.
func (p *picker) take(header *tar.Header) error {
	p.entries++
	name, err := localName(header.Name)
	if err != nil {
		return err
	}
	header.Name = name
	folder := header.Typeflag == tar.TypeDir
	p.single = p.single && p.entries == 1 && !folder
	if len(p.wanted) == 0 {
		if path.Dir(name) == "." && name != "." {
			p.roots = append(p.roots, name)
		}
		p.ready = append(p.ready, header)
		return nil
	}
	if len(p.names) < maxNames {
		p.names = append(p.names, name)
	}
	if !p.wants(name, folder) {
		if folder {
			p.folders[name] = header
		}
		return nil
	}
	if header.Typeflag == tar.TypeLink {
		if first, err := localName(header.Linkname); err == nil && !p.given[first] {
			return fmt.Errorf("it is another name of %s, which no path asks for: add that", printable(first))
		}
	}
	for above := path.Dir(name); ; above = path.Dir(above) {
		if kept := p.folders[above]; kept != nil {
			p.ready = append([]*tar.Header{kept}, p.ready...)
			p.given[above] = true
			delete(p.folders, above)
		}
		if above == "." {
			break
		}
	}
	p.given[name] = true
	p.ready = append(p.ready, header)
	return nil
}

// wants reports whether a pattern matches something, or what it lies in.
func (p *picker) wants(name string, folder bool) bool {
	if name == "." {
		return false
	}
	for above := path.Dir(name); above != "."; above = path.Dir(above) {
		if p.chosen[above] {
			p.note(name, folder)
			return true
		}
	}
	if !p.note(name, folder) {
		return false
	}
	p.chosen[name] = true
	p.roots = append(p.roots, name)
	return true
}

// note remembers the patterns that match something, and reports whether one does.
func (p *picker) note(name string, folder bool) bool {
	any := false
	for i, pattern := range p.wanted {
		if pattern.matches(name, folder) {
			p.found[i], any = true, true
		}
	}
	return any
}
