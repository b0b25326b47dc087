package rdb

import (
	"encoding/binary"
	"math"
	"strconv"
)

// What the two highest bits of a length say of it, and the bytes that announce a longer one.
const (
	length6  = 0
	length14 = 1
	length32 = 0x80
	length64 = 0x81
)

// The encodings of strings that are not written as they are.
const (
	encodedInt8 = iota
	encodedInt16
	encodedInt32
	encodedLZF
)

// length reads a length. Where encoded is set it is the number of an encoding instead.
func (s *scanner) length() (n uint64, encoded bool, err error) {
	first, err := s.reader.byte()
	if err != nil {
		return 0, false, err
	}
	switch kind := first >> 6; {
	case kind == length6:
		return uint64(first & 0x3f), false, nil
	case kind == length14:
		second, err := s.reader.byte()
		return uint64(first&0x3f)<<8 | uint64(second), false, err
	case first == length32:
		var p [4]byte
		err := s.reader.full(p[:])
		return uint64(binary.BigEndian.Uint32(p[:])), false, err
	case first == length64:
		var p [8]byte
		err := s.reader.full(p[:])
		return binary.BigEndian.Uint64(p[:]), false, err
	case first>>6 == 3:
		return uint64(first & 0x3f), true, nil
	}
	return 0, false, s.damage("%#02x is no length", first)
}

// number reads a length that must be one.
func (s *scanner) number() (uint64, error) {
	n, encoded, err := s.length()
	if err == nil && encoded {
		err = s.damage("there is an encoded string where a number should be")
	}
	return n, err
}

// numbers passes over several.
func (s *scanner) numbers(count int) error {
	for range count {
		if _, err := s.number(); err != nil {
			return err
		}
	}
	return nil
}

// skipText passes over a string.
func (s *scanner) skipText() error {
	n, encoded, err := s.length()
	if err != nil {
		return err
	}
	if !encoded {
		return s.reader.skip(n)
	}
	switch n {
	case encodedInt8, encodedInt16, encodedInt32:
		return s.reader.skip(1 << n)
	case encodedLZF:
		packed, err := s.number()
		if err != nil {
			return err
		}
		if _, err := s.number(); err != nil {
			return err
		}
		return s.reader.skip(packed)
	}
	return s.damage("a string has the unknown encoding %d", n)
}

// text reads a string into the memory of p.
func (s *scanner) text(p []byte) ([]byte, error) {
	n, encoded, err := s.length()
	if err != nil {
		return nil, err
	}
	if !encoded {
		if n > MaxString {
			return nil, s.damage("a key has %d bytes", n)
		}
		return s.reader.append(p[:0], n)
	}
	switch n {
	case encodedInt8, encodedInt16, encodedInt32:
		return s.integer(p[:0], 1<<n)
	case encodedLZF:
		return s.packed(p[:0])
	}
	return nil, s.damage("a string has the unknown encoding %d", n)
}

// integer reads a number of some bytes and writes it as a text.
func (s *scanner) integer(p []byte, size int) ([]byte, error) {
	var raw [4]byte
	if err := s.reader.full(raw[:size]); err != nil {
		return nil, err
	}
	value := int64(int8(raw[0]))
	switch size {
	case 2:
		value = int64(int16(binary.LittleEndian.Uint16(raw[:])))
	case 4:
		value = int64(int32(binary.LittleEndian.Uint32(raw[:])))
	}
	return strconv.AppendInt(p, value, 10), nil
}

// packed reads a string that LZF made shorter.
func (s *scanner) packed(p []byte) ([]byte, error) {
	short, err := s.number()
	if err != nil {
		return nil, err
	}
	long, err := s.number()
	if err != nil {
		return nil, err
	}
	if short > MaxString || long > MaxString || long > math.MaxInt {
		return nil, s.damage("a key has %d bytes", long)
	}
	if s.scratch, err = s.reader.append(s.scratch[:0], short); err != nil {
		return nil, err
	}
	p, ok := unpack(p, s.scratch, int(long))
	if !ok {
		return nil, s.damage("a compressed key cannot be read")
	}
	return p, nil
}

// unpack undoes LZF (https://github.com/redis/redis/blob/8.0.0/src/lzf_d.c): a byte below 32 announces one more literal
// bytes than its value; any other a repetition, whose length is in its three high bits (7: in the next byte too) and whose
// distance in the others and the byte after. It reports whether exactly size bytes came out.
func unpack(p, packed []byte, size int) ([]byte, bool) {
	for len(packed) > 0 {
		control := int(packed[0])
		packed = packed[1:]
		if control < 32 {
			if control >= len(packed) || len(p)+control+1 > size {
				return nil, false
			}
			p = append(p, packed[:control+1]...)
			packed = packed[control+1:]
			continue
		}
		length := control >> 5
		if length == 7 {
			if len(packed) == 0 {
				return nil, false
			}
			length += int(packed[0])
			packed = packed[1:]
		}
		if len(packed) == 0 {
			return nil, false
		}
		from := len(p) - (control&0x1f)<<8 - int(packed[0]) - 1
		packed = packed[1:]
		if from < 0 || len(p)+length+2 > size {
			return nil, false
		}
		for i := range length + 2 {
			p = append(p, p[from+i])
		}
	}
	return p, len(p) == size
}
