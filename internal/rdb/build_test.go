package rdb_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc64"
)

// builder writes snapshots as the description of the format says, one part after the other.
type builder struct{ bytes.Buffer }

// begin writes the header.
func begin(header string) *builder {
	b := new(builder)
	b.WriteString(header)
	return b
}

// length writes one in the shortest form.
func (b *builder) length(n int) *builder {
	switch {
	case n < 64:
		b.WriteByte(byte(n))
	case n < 1<<14:
		b.Write([]byte{0x40 | byte(n>>8), byte(n)})
	default:
		b.WriteByte(0x80)
		b.Write(binary.BigEndian.AppendUint32(nil, uint32(n)))
	}
	return b
}

// text writes strings.
func (b *builder) text(texts ...string) *builder {
	for _, text := range texts {
		b.length(len(text)).WriteString(text)
	}
	return b
}

// raw writes bytes as they are.
func (b *builder) raw(p ...byte) *builder {
	b.Write(p)
	return b
}

// zeros writes n of them.
func (b *builder) zeros(n int) *builder { return b.raw(make([]byte, n)...) }

// lengths writes several.
func (b *builder) lengths(numbers ...int) *builder {
	for _, n := range numbers {
		b.length(n)
	}
	return b
}

// end writes the end and the right checksum, and returns all of it.
func (b *builder) end() []byte {
	b.raw(0xff)
	return b.sum()
}

// sum writes the checksum alone.
func (b *builder) sum() []byte {
	b.Write(binary.LittleEndian.AppendUint64(nil, jones(b.Bytes())))
	return b.Bytes()
}

// jones is the checksum in the plainest form there is.
func jones(p []byte) uint64 {
	table := crc64.MakeTable(0x95ac9329ac4bc9b5)
	var sum uint64
	for _, c := range p {
		sum = table[byte(sum)^c] ^ sum>>8
	}
	return sum
}

// version is a header of Redis.
func version(n int) string { return fmt.Sprintf("REDIS%04d", n) }
