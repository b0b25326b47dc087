package postgres

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/output"
	"github.com/castrolanda/imsctl/providers"
)

// withoutVerdict is what a psql before version 11 says, which does not tell in a variable what became of a statement.
const withoutVerdict = ":SQLSTATE"

// psqlSession is a session that a psql process holds, for servers that only programs beside them reach. Statements are written
// to its standard input one by one. After each comes a line with a mark that no value has, and with the SQLSTATE. Rows
// come as COPY writes them, because in that format nothing is ambiguous.
//
// psql is not told to end at the first error: what the server says is then in the answer, and not in the last words of a
// process, in whatever language and form.
type psqlSession struct {
	input   *io.PipeWriter
	answers *io.PipeReader
	lines   *bufio.Reader
	mark    string
	stop    context.CancelFunc
	ended   chan struct{} // closed when the process has ended, of exit
	exit    error
	// failure is why statements cannot be run any more.
	failure error
}

// openPsql starts psql and waits until it is connected. The session ends with ctx.
func openPsql(ctx context.Context, in providers.Runner, path, conninfo string, environment []string) (*psqlSession, error) {
	running, stop := context.WithCancel(ctx)
	statements, input := io.Pipe()
	answers, out := io.Pipe()
	s := &psqlSession{input: input, answers: answers, lines: bufio.NewReaderSize(answers, 32<<10), mark: "imsctl-" + rand.Text(), stop: stop, ended: make(chan struct{})}
	complaints := &watchedTail{complained: func() { input.Close() }}
	go func() {
		defer close(s.ended)
		s.exit = in.Run(running, providers.Command{
			Arguments:   []string{path, "--no-psqlrc", "--no-password", "--quiet", "--no-align", "--tuples-only", "--dbname=" + conninfo},
			Environment: append([]string{"PGCLIENTENCODING=UTF8", "LC_ALL=C"}, environment...),
			Stdin:       statements, Stdout: out, Stderr: complaints, Framed: true,
		})
		if s.exit == nil {
			s.exit = errors.New("psql ended before it was told to: " + complaints.String())
		}
		statements.CloseWithError(s.exit)
		out.CloseWithError(s.exit)
	}()
	if err := s.exec(ctx, "select"); err != nil {
		s.close(ctx)
		return nil, err
	}
	complaints.connected()
	return s, nil
}

func (s *psqlSession) rows(ctx context.Context, sql string) ([][]string, error) {
	answer, err := s.run(ctx, "copy ("+sql+") to stdout")
	if err != nil {
		return nil, err
	}
	rows := make([][]string, len(answer))
	for i, line := range answer {
		rows[i] = strings.Split(line, "\t")
		for j, field := range rows[i] {
			rows[i][j] = unescape(field)
		}
	}
	return rows, nil
}

func (s *psqlSession) exec(ctx context.Context, sql string) error {
	_, err := s.run(ctx, sql)
	return err
}

// run runs a statement and returns the lines of its answer.
func (s *psqlSession) run(ctx context.Context, sql string) ([]string, error) {
	if s.failure != nil {
		return nil, s.failure
	}
	// An answer that nobody waits for any more would be taken for that of the next statement: the session is over.
	release := context.AfterFunc(ctx, func() { s.answers.CloseWithError(context.Cause(ctx)); s.stop() })
	defer release()
	answer, err := s.ask(sql)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
		s.failure = err
	}
	return answer, err
}

func (s *psqlSession) ask(sql string) ([]string, error) {
	_, err := fmt.Fprintf(s.input, "%s;\n\\echo %s :SQLSTATE :LAST_ERROR_MESSAGE\n\\echo %s\n", sql, s.mark, s.mark)
	var answer []string
	for err == nil {
		var line string
		if line, err = s.line(); err != nil {
			break
		}
		verdict, found := strings.CutPrefix(line, s.mark+" ")
		if !found {
			answer = append(answer, line)
			continue
		}
		message, failed := s.message()
		if failed != nil {
			err = failed
			break
		}
		code, first, _ := strings.Cut(verdict, " ")
		switch code {
		case "00000":
			return answer, nil
		case withoutVerdict:
			return nil, errors.New("psql there is older than version 11 and does not tell errors")
		}
		return nil, refusal(code, strings.TrimSpace(first+message))
	}
	// A pipe broke, so the process ends or has ended, and that says why.
	<-s.ended
	s.failure = s.exit
	return nil, s.exit
}

// message reads on to the end of a message of several lines, and makes one of them.
func (s *psqlSession) message() (string, error) {
	var more strings.Builder
	for {
		line, err := s.line()
		if err != nil || line == s.mark {
			return more.String(), err
		}
		more.WriteString("; " + line)
	}
}

func (s *psqlSession) line() (string, error) {
	line, err := s.lines.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

func (s *psqlSession) close(ctx context.Context) {
	s.failure = errors.New("the session is closed")
	s.input.Close()
	// What psql still says is of no interest, and must not keep it from ending.
	s.answers.CloseWithError(io.ErrClosedPipe)
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-s.ended:
	case <-ctx.Done():
	case <-timer.C:
	}
	s.stop()
	<-s.ended
}

// unescape is a field of COPY's text format (PostgreSQL documentation, COPY, "Text Format").
func unescape(field string) string {
	if field == `\N` {
		return ""
	}
	if !strings.Contains(field, `\`) {
		return field
	}
	var text strings.Builder
	for i := 0; i < len(field); i++ {
		if field[i] != '\\' || i+1 == len(field) {
			text.WriteByte(field[i])
			continue
		}
		i++
		if plain := strings.IndexByte("bfnrtv", field[i]); plain >= 0 {
			text.WriteByte("\b\f\n\r\t\v"[plain])
		} else {
			text.WriteByte(field[i])
		}
	}
	return text.String()
}

// watchedTail keeps the last of psql's messages. A psql that cannot connect says so, under its own name, and ends without
// having read anything; the command is over only when its standard input is, so that is ended.
type watchedTail struct {
	mu         sync.Mutex
	tail       output.Tail
	complained func()
}

func (w *watchedTail) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.complained != nil && strings.Contains(string(p), "psql: ") {
		w.complained()
	}
	return w.tail.Write(p)
}

// connected says that from now on psql reads its standard input to the end.
func (w *watchedTail) connected() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.complained = nil
}

func (w *watchedTail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.TrimSpace(w.tail.String())
}
