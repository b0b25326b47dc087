package rdb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// What stands before keys and between them.
const (
	opSlot             = 244
	opFunction         = 245
	opFunctionPreview  = 246
	opModule           = 247
	opIdle             = 248
	opFrequency        = 249
	opFact             = 250
	opSizes            = 251
	opExpiresInMillis  = 252
	opExpiresInSeconds = 253
	opDatabase         = 254
	opEnd              = 255
)

// scanner is a scan in progress.
type scanner struct {
	reader  *reader
	options Options
	found   Snapshot
	// key is the one that is being read: its database and what was said of it in advance.
	key Key
	// name, dump and scratch are memory that is used again.
	name, dump, scratch []byte
}

func (s *scanner) scan() error {
	if err := s.header(); err != nil {
		return err
	}
	if s.found.Valkey || s.found.Version > Newest {
		return s.rest()
	}
	s.found.Understood = true
	s.forget()
	for {
		op, err := s.reader.byte()
		if err != nil {
			return err
		}
		if op == opEnd {
			return s.end()
		}
		if op >= opSlot {
			err = s.between(op)
		} else {
			err = s.entry(op)
		}
		if err != nil {
			return err
		}
	}
}

// header reads the word and the version that every snapshot begins with.
func (s *scanner) header() error {
	var p [headerSize]byte
	if err := s.reader.full(p[:]); err != nil {
		return err
	}
	digits, redis := strings.CutPrefix(string(p[:]), "REDIS")
	if !redis {
		digits, s.found.Valkey = strings.CutPrefix(string(p[:]), "VALKEY")
	}
	version, err := strconv.ParseUint(digits, 10, 16)
	if !redis && !s.found.Valkey || err != nil || version == 0 {
		return fmt.Errorf("this is no snapshot of Redis: it begins with %q and not with REDIS and a version", p)
	}
	s.found.Version = int(version)
	return nil
}

// forget drops what was said of the last key.
func (s *scanner) forget() { s.key.Expires, s.key.Idle, s.key.Frequency = 0, -1, -1 }

// entry reads a key and passes over its value.
func (s *scanner) entry(kind byte) (err error) {
	if s.name, err = s.text(s.name); err != nil {
		return err
	}
	if s.options.Dumps {
		s.reader.capture(append(s.dump[:0], kind))
	}
	if err := s.value(kind); err != nil {
		return err
	}
	if s.options.Dumps {
		if s.dump, err = s.reader.release(); err != nil {
			return fmt.Errorf("key %q: %w", s.name, err)
		}
		s.dump = sealed(s.dump, s.found.Version)
	}
	s.key.Name, s.key.Dump = s.name, s.dump
	if s.options.Key != nil {
		if err := s.options.Key(s.key); err != nil {
			return err
		}
	}
	s.forget()
	return nil
}

// sealed makes a type and a value what the command DUMP gives: the version of the format and a checksum follow them.
func sealed(dump []byte, version int) []byte {
	dump = binary.LittleEndian.AppendUint16(dump, uint16(version))
	return binary.LittleEndian.AppendUint64(dump, checksum(0, dump))
}

// between reads what is not a key.
func (s *scanner) between(op byte) (err error) {
	var n uint64
	switch op {
	case opSlot:
		return s.numbers(3)
	case opFunction:
		if s.scratch, err = s.text(s.scratch); err == nil && s.options.Function != nil {
			err = s.options.Function(s.scratch)
		}
		return err
	case opFunctionPreview:
		return s.damage("functions from before Redis 7.0 was released cannot be read")
	case opModule:
		s.found.ModuleData = true
		if err := s.numbers(3); err != nil {
			return err
		}
		return s.module()
	case opIdle:
		n, err = s.number()
		s.key.Idle = int64(n)
		return err
	case opFrequency:
		frequency, err := s.reader.byte()
		s.key.Frequency = int64(frequency)
		return err
	case opFact:
		return s.fact()
	case opSizes:
		return s.numbers(2)
	case opExpiresInMillis:
		var p [8]byte
		err = s.reader.full(p[:])
		s.key.Expires = int64(binary.LittleEndian.Uint64(p[:]))
		return err
	case opExpiresInSeconds:
		var p [4]byte
		err = s.reader.full(p[:])
		s.key.Expires = 1000 * int64(int32(binary.LittleEndian.Uint32(p[:])))
		return err
	case opDatabase:
		if n, err = s.number(); err == nil && n > math.MaxInt32 {
			err = s.damage("there is no database %d", n)
		}
		s.key.Database = int64(n)
		return err
	}
	return s.damage("%d is nothing that can stand between keys", op)
}

// fact reads a name and a value that tell something of the server.
func (s *scanner) fact() error {
	name, err := s.text(nil)
	if err != nil {
		return err
	}
	value, err := s.text(nil)
	if err != nil {
		return err
	}
	if string(name) == "redis-ver" || string(name) == "valkey-ver" {
		s.found.Server = string(value)
	}
	return nil
}

// end reads what follows the last key.
func (s *scanner) end() error {
	if err := s.reader.pass(); err != nil {
		return err
	}
	if s.found.Version >= firstSummed {
		sum := s.reader.sum
		var p [checksumSize]byte
		if err := s.reader.full(p[:]); err != nil {
			return err
		}
		if err := s.judge(sum, p[:]); err != nil {
			return err
		}
		if err := s.reader.pass(); err != nil {
			return err
		}
	}
	after, err := s.after()
	if err == nil && after > 0 && !(after == markSize && s.options.MarkFollows) {
		err = fmt.Errorf("the snapshot is followed by %d bytes that do not belong to it", after)
	}
	return err
}

// judge compares a checksum that was read with the one that should be.
func (s *scanner) judge(sum uint64, read []byte) error {
	switch recorded := binary.LittleEndian.Uint64(read); recorded {
	case 0:
		return nil
	case sum:
		s.found.Summed = true
		return nil
	default:
		return fmt.Errorf("the snapshot is damaged: its checksum says %016x, and that of its bytes is %016x", recorded, sum)
	}
}

// after counts what follows the snapshot, and drops it.
func (s *scanner) after() (int, error) {
	count := 0
	for {
		count += s.reader.end - s.reader.start
		s.reader.end = s.reader.start
		if err := s.reader.fill(); errors.Is(err, io.EOF) {
			return count, nil
		} else if err != nil {
			return count, err
		}
	}
}

// rest reads a snapshot whose keys cannot be told to its end, and proves the checksum there.
func (s *scanner) rest() error {
	const held = checksumSize + markSize
	for {
		if ready := s.reader.end - s.reader.start; ready > held {
			s.reader.start += ready - held
		}
		if err := s.reader.fill(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
	}
	tail := s.reader.buffer[s.reader.start:s.reader.end]
	if s.options.MarkFollows && len(tail) == held && isMark(tail[checksumSize:]) && s.judge(s.reader.sum, tail[:checksumSize]) == nil {
		return s.take(checksumSize)
	}
	if len(tail) < checksumSize {
		return fmt.Errorf("the snapshot ends in the middle, after %d bytes: %w", s.reader.size+int64(len(tail)), io.ErrUnexpectedEOF)
	}
	split := len(tail) - checksumSize
	if err := s.judge(checksum(s.reader.sum, tail[:split]), tail[split:]); err != nil {
		return err
	}
	return s.take(len(tail))
}

// isMark reports whether bytes look like the end mark of a replication, which is of hexadecimal digits.
func isMark(p []byte) bool { return len(bytes.Trim(p, "0123456789abcdef")) == 0 }

// take consumes the next n bytes and passes them on.
func (s *scanner) take(n int) error {
	s.reader.start += n
	return s.reader.pass()
}
