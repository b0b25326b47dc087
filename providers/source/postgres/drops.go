package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
)

// drops is what a dump of several sections begins with that drops what it makes: each section by itself would drop only its own things,
// tables before the keys that refer to them. The order of all is what pg_dump writes for the whole, between its settings and the first
// thing that it makes. Large objects are among it or, since they belong to the data (PostgreSQL 17), dropped in that section.
func (d *dumping) drops(ctx context.Context, snapshot string) ([]byte, error) {
	head := &dropsHead{}
	command := d.command(head)
	command.Arguments = append(slices.Clip(command.Arguments), "--section=pre-data", "--section=post-data", "--snapshot="+snapshot,
		fmt.Sprintf("--lock-wait-timeout=%d", lockTimeout.Milliseconds()))
	if err := d.runDump(ctx, command); err != nil {
		return nil, err
	}
	return head.statements()
}

// The lines between which pg_dump writes what drops things.
var (
	dropsBegin = []byte("\nSET row_security = off;\n")
	dropsEnd   = []byte("\n--\n-- Name: ")
)

// dropsHead keeps what a dump begins with.
type dropsHead struct {
	text  bytes.Buffer
	whole bool
}

// Write implements io.Writer.
func (h *dropsHead) Write(p []byte) (int, error) {
	if h.whole {
		return len(p), nil
	}
	seen := max(0, h.text.Len()-len(dropsEnd))
	h.text.Write(p)
	h.whole = bytes.Contains(h.text.Bytes()[seen:], dropsEnd)
	if h.text.Len() > headLimit {
		return 0, errors.New("there is more to drop than fits into memory: leave clean out")
	}
	return len(p), nil
}

// statements are the statements, under the header of a dump.
func (h *dropsHead) statements() ([]byte, error) {
	_, rest, found := bytes.Cut(h.text.Bytes(), dropsBegin)
	if !found {
		return nil, io.ErrUnexpectedEOF
	}
	end := bytes.Index(rest, dropsEnd)
	if end < 0 {
		if end = bytes.Index(rest, []byte(endMark)); end < 0 {
			return nil, io.ErrUnexpectedEOF
		}
	}
	const title = "--\n-- PostgreSQL database dump\n--\n\n-- What is there already is dropped first.\n" +
		"SET client_min_messages = warning;\nSELECT pg_catalog.set_config('search_path', '', false);\n"
	return slices.Concat([]byte(title), rest[:end], []byte("\n")), nil
}
