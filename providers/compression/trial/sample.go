// Package trial takes samples of data and measures on them what the methods of compression make of it: how much they leave
// and how fast they are. It decides nothing.
package trial

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers/compression/content"
)

// The bounds of what is read of a source, in bytes.
const (
	// HeadSize is how much of the beginning of a stream is held while it is decided about.
	HeadSize = 8 << 20
	// TrialSize is how much is compressed in the trial.
	TrialSize = 1 << 20
	// MostRead is how much of a stream is read at most.
	MostRead = 64 << 20

	// pieces of a file are long enough for most of what is near to be found again.
	pieces    = 8
	pieceSize = TrialSize / pieces
	// headPieces of the head are longer, because what is tried last sees all of it.
	headPieces = 4
	// streamPiece is what is kept of every streamStride bytes of a stream.
	streamPiece  = 64 << 10
	streamStride = 4 << 20
)

// streamPatience is how long a stream is read for samples beyond its head.
const streamPatience = 200 * time.Millisecond

// Sample is what was read of some data.
type Sample struct {
	// Trial is what the methods are tried on: at most TrialSize bytes.
	Trial []byte
	// Long is all that is held of the beginning of a stream, where that is more than Trial; it stays the caller's.
	Long []byte
	// Head are the first bytes, for recognising the content.
	Head []byte
	// Further are the samples that are not in Trial; they count for the entropy only.
	Further [][]byte
	// Whole says that Trial is all of the data.
	Whole bool
	// Size is that of the whole data, 0 when it is not known; Read is how much of it was read.
	Size, Read int64
}

// Content recognises what was sampled.
func (s Sample) Content() content.Content {
	return content.Detect(s.Head, append([][]byte{s.Trial}, s.Further...)...)
}

// OfHead makes a sample of the beginning of a stream, of which HeadSize bytes count. whole says that there is no more of it.
// Up to TrialSize it is what is tried; of more, pieces from all over it are.
func OfHead(head []byte, whole bool) Sample {
	sample := Sample{Trial: head, Head: head[:min(len(head), content.Window)], Read: int64(len(head)), Whole: whole && len(head) <= TrialSize}
	if whole {
		sample.Size = int64(len(head))
	}
	if head = head[:min(len(head), HeadSize)]; len(head) > TrialSize {
		const size = TrialSize / headPieces
		sample.Long = head
		sample.Trial = make([]byte, 0, TrialSize)
		for i := range headPieces {
			begin := (len(head) - size) / (headPieces - 1) * i
			sample.Trial = append(sample.Trial, head[begin:begin+size]...)
		}
	}
	return sample
}

// OfFile takes samples spread over data that can be read anywhere: all of it up to TrialSize, otherwise pieces at equal
// distances from its beginning to its end. Any first part of the trial has pieces from all over.
func OfFile(r io.ReaderAt, size int64) (Sample, error) {
	if size <= TrialSize {
		data := make([]byte, size)
		if err := readAt(r, data, 0); err != nil {
			return Sample{}, err
		}
		return OfHead(data, true), nil
	}
	sample := Sample{Size: size, Trial: make([]byte, 0, TrialSize), Head: make([]byte, pieceSize)}
	step := (size - pieceSize) / (pieces - 1)
	for i := range pieces {
		piece := make([]byte, pieceSize)
		if err := readAt(r, piece, step*int64(spread(i))); err != nil {
			return Sample{}, err
		}
		if i == 0 {
			copy(sample.Head, piece)
		}
		sample.Trial = append(sample.Trial, piece...)
		sample.Read += pieceSize
	}
	return sample, nil
}

// spread orders 0 to 7 so that those next to each other come late: it turns the three bits around.
func spread(i int) int { return i&1<<2 | i&2 | i&4>>2 }

// readAt fills data.
func readAt(r io.ReaderAt, data []byte, offset int64) error {
	n, err := r.ReadAt(data, offset)
	if n == len(data) {
		return nil
	}
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("the data became shorter while it was read: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// OfStream reads the head of a stream, and then on for further samples until MostRead or until it has taken some tenths
// of a second. An error other than the end of r is returned with the sample of what came before it.
func OfStream(r io.Reader, clock clock.Clock) (Sample, error) {
	head := make([]byte, HeadSize)
	n, err := io.ReadFull(r, head)
	if ended(err) {
		return OfHead(head[:n], true), nil
	}
	sample := OfHead(head[:n], false)
	if err != nil {
		return sample, err
	}
	begun := clock.Now()
	for sample.Read+streamStride <= MostRead && clock.Now().Sub(begun) < streamPatience {
		n, err := io.CopyN(io.Discard, r, streamStride-streamPiece)
		sample.Read += n
		if err == nil {
			piece := make([]byte, streamPiece)
			var n int
			n, err = io.ReadFull(r, piece)
			sample.Read += int64(n)
			sample.Further = append(sample.Further, piece[:n])
		}
		if ended(err) {
			sample.Size = sample.Read
			return sample, nil
		}
		if err != nil {
			return sample, err
		}
	}
	return sample, nil
}

// ended reports whether a read came to the end of its input.
func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
