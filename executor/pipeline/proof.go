package pipeline

import (
	"errors"
	"fmt"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// proof decodes what is being stored, while it is being stored, and compares it with what was read: a codec that writes
// what it cannot read back is found before anything is committed.
type proof struct {
	fanout *fanout
	sums   *summing
	done   chan struct{}
	err    error
	// identity is set for a codec that changes nothing: then there is nothing to decode.
	identity bool
}

func newProof(codec providers.Codec, f *fanout) *proof {
	p := &proof{fanout: f, sums: newRawSums(), done: make(chan struct{}), identity: codec.Method() == "none"}
	if p.identity {
		close(p.done)
		return p
	}
	f.proof = make(chan *chunk, ringSize)
	f.proofGone = p.done
	go func(chunks <-chan *chunk) {
		defer close(p.done)
		p.err = p.decode(codec, &chunkReader{chunks: chunks})
	}(f.proof)
	return p
}

func (p *proof) decode(codec providers.Codec, source *chunkReader) (err error) {
	defer source.close()
	decoder, err := codec.NewReader(source)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, decoder.Close()) }()
	_, err = io.Copy(summingWriter{p.sums}, decoder)
	return err
}

// finish ends the stream and compares what came out of the decoder with what went into the encoder.
func (p *proof) finish(raw providers.Checksums) error {
	if p.identity {
		p.sums = &summing{size: p.fanout.stored.size, sha256: p.fanout.stored.sha256}
	} else {
		close(p.fanout.proof)
		<-p.done
	}
	if p.err != nil {
		return fmt.Errorf("what was compressed cannot be decompressed: %w", p.err)
	}
	if found := p.sums.checksums(); found.Size != raw.Size || found.SHA256 != raw.SHA256 {
		return fmt.Errorf("what was compressed decompresses to something else: %d bytes instead of %d, or other ones", found.Size, raw.Size)
	}
	return nil
}

// abandon ends the decoder of a job that has failed for another reason. Its own error counts only when it came first.
func (p *proof) abandon(cause error) error {
	if p.identity {
		return nil
	}
	early := false
	select {
	case <-p.done:
		early = true
	default:
	}
	close(p.fanout.proof)
	<-p.done
	if early && p.err != nil && !errors.Is(cause, p.err) {
		return fmt.Errorf("decompressing again: %w", p.err)
	}
	return nil
}

// summingWriter adds what is written to checksums.
type summingWriter struct{ sums *summing }

// Write implements io.Writer.
func (s summingWriter) Write(p []byte) (int, error) {
	s.sums.add(p)
	return len(p), nil
}

// chunkReader reads a sequence of chunks.
type chunkReader struct {
	chunks  <-chan *chunk
	current *chunk
	offset  int
}

// Read implements io.Reader.
func (r *chunkReader) Read(p []byte) (int, error) {
	for r.current == nil || r.offset == len(r.current.data) {
		r.releaseCurrent()
		next, ok := <-r.chunks
		if !ok {
			return 0, io.EOF
		}
		r.current, r.offset = next, 0
	}
	n := copy(p, r.current.data[r.offset:])
	r.offset += n
	return n, nil
}

func (r *chunkReader) releaseCurrent() {
	if r.current != nil {
		r.current.release()
		r.current = nil
	}
}

// close gives back what was not read, as far as it has come.
func (r *chunkReader) close() {
	r.releaseCurrent()
	for {
		select {
		case next, ok := <-r.chunks:
			if !ok {
				return
			}
			next.release()
		default:
			return
		}
	}
}
