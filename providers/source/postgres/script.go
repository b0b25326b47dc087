package postgres

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
)

// restoring is what psql reads: a dump, or what is wanted of it, as one transaction, which ends with a query for the mark.
type restoring struct {
	io.Reader
	mark string
	// counted is how many tables have their rows counted at its end.
	counted int
}

// transaction makes the transaction. It is opened and committed by what psql reads, not by an option of psql: should imsctl die,
// psql sees the end of its input without a commit, and the server rolls everything back. A setting that lives as long as the
// transaction shows at the end that it is still the same.
func transaction(dump io.Reader, selected *selection) *restoring {
	mark := "restored-" + rand.Text()
	// No line break after it: psql's messages then have the line numbers of the dump.
	begin := "SET statement_timeout = 0; BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL imsctl.restore = '" + mark + "'; "
	commit := "\nDO $$ BEGIN IF current_setting('imsctl.restore', true) IS DISTINCT FROM '" + mark + "' THEN " +
		"RAISE EXCEPTION 'the dump ended the transaction of its restore'; END IF; END $$;\n" + selected.comparison() + "COMMIT;\nSELECT '" + mark + "';\n"
	script := newScript(dump)
	script.selected = selected
	return &restoring{io.MultiReader(strings.NewReader(begin+selected.opening), script, strings.NewReader(commit)), mark, len(selected.counts)}
}

// script reads a dump and leaves out the BEGIN and COMMIT lines that pg_dump writes around large objects. They would divide
// the restore into two transactions. Other commands that end a transaction, commands of psql's own but for those that every
// dump has, and an end in the middle of a statement are errors. The line with such a thing is not passed on.
type script struct {
	pieces
	number int // of the line that comes next
	// selected says what of the dump is wanted; nil for all. leave is set while rows are read that are not.
	selected *selection
	leave    bool
	// ready is what can be read now, err what comes after it.
	ready []byte
	err   error
}

func newScript(dump io.Reader) *script { return &script{pieces: newPieces(dump), number: 1} }

// Read implements io.Reader.
func (s *script) Read(p []byte) (int, error) {
	for len(s.ready) == 0 && s.err == nil {
		if s.sql.data {
			s.ready, s.err = s.nextData()
		} else {
			s.ready, s.err = s.nextLine()
		}
	}
	if len(s.ready) == 0 {
		return 0, s.err
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}

// nextData returns a piece of rows.
func (s *script) nextData() ([]byte, error) {
	piece, ends, err := s.rows()
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("line %d: the dump ends in the middle of a table", s.number)
	}
	if err != nil {
		return nil, err
	}
	if ends {
		s.number++
	}
	if s.leave {
		return nil, nil
	}
	return piece, nil
}

// nextLine returns a line of SQL, whole, or an empty one in its place.
func (s *script) nextLine() ([]byte, error) {
	line, err := s.line()
	switch {
	case err == nil || errors.Is(err, io.EOF) && len(line) > 0:
	case errors.Is(err, io.EOF) && !s.sql.between():
		return nil, fmt.Errorf("line %d: the dump ends in the middle of a statement", s.number)
	case errors.Is(err, io.EOF) && s.selected != nil && s.selected.whole() != nil:
		return nil, s.selected.whole()
	default:
		return nil, err
	}
	starts := s.sql.between()
	if text := string(bytes.TrimSpace(line)); starts && (text == "BEGIN;" || text == "COMMIT;") {
		s.number++
		return []byte("\n"), nil
	}
	if err := s.sql.scan(line); err != nil {
		return nil, fmt.Errorf("line %d: %w", s.number, err)
	}
	s.number++
	if s.selected == nil {
		return line, nil
	}
	if s.leave = !s.selected.line(string(line), starts); s.leave {
		return []byte("\n"), nil
	}
	return line, nil
}
