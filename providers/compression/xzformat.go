package compression

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xzDecoderDictionary is the largest dictionary that is read, in bytes: twice that of xz -9.
const xzDecoderDictionary = 128 << 20

// xzCheck finds the checksum that the stream flags name (2.1.1.2).
func xzCheck(reserved, id byte) (func() hash.Hash, error) {
	switch {
	case reserved != 0:
	case id == 0x00:
		return func() hash.Hash { return nil }, nil
	case id == 0x01:
		return func() hash.Hash { return littleEndian{crc32.NewIEEE()} }, nil
	case id == 0x04:
		return func() hash.Hash { return littleEndian{crc64.New(crc64.MakeTable(crc64.ECMA))} }, nil
	case id == 0x0A:
		return sha256.New, nil
	}
	return nil, fmt.Errorf("the xz stream uses a checksum that is not known (%#02x)", id)
}

// littleEndian reverses the bytes of a checksum: Go's are big-endian, the format's are not.
type littleEndian struct{ hash.Hash }

// Sum implements hash.Hash.
func (l littleEndian) Sum(b []byte) []byte {
	sum := l.Hash.Sum(nil)
	for i := len(sum) - 1; i >= 0; i-- {
		b = append(b, sum[i])
	}
	return b
}

// noEOF makes the end of the input where something must follow an error that says so.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// readXZInteger reads a multibyte integer (1.2): at most 63 bits in 9 bytes, none of them superfluous.
func readXZInteger(r io.ByteReader) (uint64, error) {
	var value uint64
	for i := range 9 {
		b, err := r.ReadByte()
		if err != nil {
			return 0, noEOF(err)
		}
		value |= uint64(b&0x7F) << (7 * i)
		if b < 0x80 {
			if b == 0 && i > 0 {
				return 0, errXZDamaged
			}
			return value, nil
		}
	}
	return 0, errXZDamaged
}

// summingByteReader adds what is read to a checksum.
type summingByteReader struct {
	r   io.ByteReader
	sum io.Writer
}

// ReadByte implements io.ByteReader.
func (s *summingByteReader) ReadByte() (byte, error) {
	b, err := s.r.ReadByte()
	if err != nil {
		return 0, err
	}
	_, err = s.sum.Write([]byte{b})
	return b, err
}

// xzRecords stands for a list of block sizes in constant memory, whatever the number of blocks: by their hash.
type xzRecords struct {
	count uint64
	sum   hash.Hash
}

func newXZRecords() xzRecords { return xzRecords{sum: sha256.New()} }

func (x *xzRecords) add(unpadded, uncompressed uint64) {
	x.count++
	var record [16]byte
	binary.LittleEndian.PutUint64(record[:8], unpadded)
	binary.LittleEndian.PutUint64(record[8:], uncompressed)
	x.sum.Write(record[:])
}

func (x *xzRecords) equal(other xzRecords) bool {
	return x.count == other.count && bytes.Equal(x.sum.Sum(nil), other.sum.Sum(nil))
}

// xzBlockHeader is what a block header says; sizes that it does not say are -1.
type xzBlockHeader struct {
	size                     int
	compressed, uncompressed int64
	dictionary               int
}

// parseXZBlockHeader reads a whole block header (3.1).
func parseXZBlockHeader(header []byte) (xzBlockHeader, error) {
	parsed := xzBlockHeader{size: len(header), compressed: -1, uncompressed: -1}
	body := header[:len(header)-4]
	if binary.LittleEndian.Uint32(header[len(body):]) != crc32.ChecksumIEEE(body) {
		return parsed, errXZDamaged
	}
	flags := body[1]
	if flags&0x3F != 0 {
		return parsed, errors.New("the xz block uses filters other than LZMA2 alone, which are not read here: decompress it with xz")
	}
	rest := bytes.NewReader(body[2:])
	for _, field := range []struct {
		present bool
		value   *int64
	}{{flags&0x40 != 0, &parsed.compressed}, {flags&0x80 != 0, &parsed.uncompressed}} {
		if !field.present {
			continue
		}
		value, err := readXZInteger(rest)
		if err != nil {
			return parsed, err
		}
		*field.value = int64(value)
	}
	var filter [3]byte
	if _, err := io.ReadFull(rest, filter[:]); err != nil {
		return parsed, noEOF(err)
	}
	if filter[0] != 0x21 || filter[1] != 1 {
		return parsed, errors.New("the xz block uses a filter other than LZMA2, which is not read here: decompress it with xz")
	}
	dictionary, err := lzma.DecodeDictCap(filter[2])
	if err != nil {
		return parsed, err
	}
	if dictionary > xzDecoderDictionary {
		return parsed, fmt.Errorf("the xz block needs a dictionary of %d MiB, above the limit of %d MiB: decompress it with xz",
			dictionary>>20, xzDecoderDictionary>>20)
	}
	parsed.dictionary = int(dictionary)
	for rest.Len() > 0 {
		if b, err := rest.ReadByte(); err != nil || b != 0 {
			return parsed, errXZDamaged
		}
	}
	return parsed, nil
}
