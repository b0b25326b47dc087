// Package resp speaks the protocol of Redis and Valkey (RESP, version 2) as a client: commands as arrays of texts, and
// replies of every kind (https://redis.io/docs/latest/develop/reference/protocol-spec/).
package resp

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The limits of what is read, so that a server that is none cannot take all memory or all patience.
const (
	maxLine  = 32 << 10
	maxText  = 512 << 20
	maxItems = 1 << 20
	maxDepth = 8
)

// ErrNotRedis: what was read is not of this protocol.
var ErrNotRedis = errors.New("the answer is not one of Redis")

// Error is a reply that says that a command failed: "NOAUTH Authentication required.".
type Error string

// Error is what the server said.
func (e Error) Error() string { return string(e) }

// Code is the first word of the reply, where it is one in capitals: "NOAUTH".
func (e Error) Code() string {
	code, _, _ := strings.Cut(string(e), " ")
	if strings.ToUpper(code) != code {
		return ""
	}
	return code
}

// Reply is a reply that is no Error: a string, an int64, a []Reply, or nil.
type Reply any

// AppendCommand puts a command behind the bytes of p.
func AppendCommand[T string | []byte](p []byte, words ...T) []byte {
	p = append(p, '*')
	p = strconv.AppendInt(p, int64(len(words)), 10)
	p = append(p, "\r\n"...)
	for _, word := range words {
		p = append(p, '$')
		p = strconv.AppendInt(p, int64(len(word)), 10)
		p = append(p, "\r\n"...)
		p = append(p, word...)
		p = append(p, "\r\n"...)
	}
	return p
}

// Authentication is the command that says who we are: a user with a password, which may be empty, or a password alone; nil
// where nothing is told.
func Authentication(user, password string) []string {
	switch {
	case user != "":
		return []string{"AUTH", user, password}
	case password != "":
		return []string{"AUTH", password}
	}
	return nil
}

// ReadLine reads a line of a reply, without its end. Empty lines are passed over: a master keeps connections alive with them.
func ReadLine(r *bufio.Reader) (string, error) {
	var line []byte
	for {
		piece, err := r.ReadSlice('\n')
		line = append(line, piece...)
		if err == nil {
			if text := strings.TrimRight(string(line), "\r\n"); text != "" {
				return text, nil
			}
			line = line[:0]
			continue
		}
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			return "", err
		}
		if len(line) > maxLine {
			return "", fmt.Errorf("%w: a line is longer than %d bytes", ErrNotRedis, maxLine)
		}
	}
}

// ReadReply reads a reply. Its error is an Error where the server says that the command failed.
func ReadReply(r *bufio.Reader) (Reply, error) { return readReply(r, 0) }

func readReply(r *bufio.Reader, depth int) (Reply, error) {
	line, err := ReadLine(r)
	if err != nil {
		return nil, err
	}
	switch text := line[1:]; line[0] {
	case '+':
		return text, nil
	case '-':
		return nil, Error(text)
	case ':':
		return readNumber(text)
	case '$':
		return readText(r, text)
	case '*':
		return readList(r, text, depth)
	}
	return nil, fmt.Errorf("%w: it begins with %.40q", ErrNotRedis, line)
}

func readNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %.40q is no number", ErrNotRedis, text)
	}
	return n, nil
}

// readText reads a text of an announced length. Memory is taken for what comes.
func readText(r *bufio.Reader, announced string) (Reply, error) {
	size, err := readNumber(announced)
	if err != nil {
		return nil, err
	}
	if size == -1 {
		return nil, nil
	}
	if size < 0 || size > maxText {
		return nil, fmt.Errorf("%w: a text has %d bytes", ErrNotRedis, size)
	}
	var text strings.Builder
	if _, err := io.CopyN(&text, r, size); err != nil {
		return nil, unexpected(err)
	}
	var end [2]byte
	if _, err := io.ReadFull(r, end[:]); err != nil {
		return nil, unexpected(err)
	}
	if string(end[:]) != "\r\n" {
		return nil, fmt.Errorf("%w: a text is longer than announced", ErrNotRedis)
	}
	return text.String(), nil
}

// readList reads a list. An Error in it is one of its items.
func readList(r *bufio.Reader, announced string, depth int) (Reply, error) {
	size, err := readNumber(announced)
	if err != nil {
		return nil, err
	}
	if size == -1 {
		return nil, nil
	}
	if size < 0 || size > maxItems || depth == maxDepth {
		return nil, fmt.Errorf("%w: a list has %d items", ErrNotRedis, size)
	}
	var list []Reply
	for range size {
		item, err := readReply(r, depth+1)
		var failed Error
		if errors.As(err, &failed) {
			item = failed
		} else if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
