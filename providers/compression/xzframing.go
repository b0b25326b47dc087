package compression

import (
	"encoding/binary"
	"hash/crc32"
)

// xzCRC64 is the stream flag of the checksum that is written (2.1.1.2).
const xzCRC64 = 4

// xzBlockHeaderOf is the header of a block that says its sizes (3.1).
func xzBlockHeaderOf(compressed, uncompressed int, dictionaryProperty byte) []byte {
	const bothSizes, lzma2 = 0xC0, 0x21
	header := []byte{0, bothSizes}
	header = binary.AppendUvarint(header, uint64(compressed))
	header = binary.AppendUvarint(header, uint64(uncompressed))
	header = append(header, lzma2, 1, dictionaryProperty)
	header = appendZeros(header, -len(header)&3)
	header[0] = byte(len(header) / 4)
	return binary.LittleEndian.AppendUint32(header, crc32.ChecksumIEEE(header))
}

// xzFraming is one stream around blocks. Its index takes about ten bytes of memory for a block.
type xzFraming struct {
	count   uint64
	records []byte
}

// head implements framing (2.1.1).
func (f *xzFraming) head() []byte {
	flags := []byte{0, xzCRC64}
	header := append([]byte{0xFD, '7', 'z', 'X', 'Z', 0}, flags...)
	return binary.LittleEndian.AppendUint32(header, crc32.ChecksumIEEE(flags))
}

// add implements framing.
func (f *xzFraming) add(b *block) {
	f.count++
	f.records = binary.AppendUvarint(f.records, uint64(b.contents))
	f.records = binary.AppendUvarint(f.records, uint64(len(b.data)))
}

// tail implements framing: the index (4) and the footer (2.1.2).
func (f *xzFraming) tail() []byte {
	index := binary.AppendUvarint([]byte{0}, f.count)
	index = append(index, f.records...)
	index = appendZeros(index, -len(index)&3)
	index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(index))
	end := binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4-1))
	end = append(end, 0, xzCRC64)
	index = binary.LittleEndian.AppendUint32(index, crc32.ChecksumIEEE(end))
	return append(append(index, end...), 'Y', 'Z')
}
