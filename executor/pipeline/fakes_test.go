package pipeline

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/compression"
)

// memory is a destination in memory whose uploads can be made to go wrong.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
	open    int
	aborted int

	create, commit, abort error
	// failAfter is how many bytes an upload takes before its write fails with fail.
	failAfter int
	fail      error
	// blockAfter is how many bytes an upload takes before it blocks, blockIn where else it does: until the context ends or,
	// if deaf is set, until that channel is closed.
	blockAfter int
	blockIn    string
	deaf       chan struct{}
	// delay is how long each write takes.
	delay time.Duration
	// reread: what an upload has taken can be read back. rereading is how many do.
	reread    bool
	rereading atomic.Int64
	// cut is how many bytes Open gives, and brokenWith the error it ends with.
	cut        int
	brokenWith error
}

func newMemory() *memory { return &memory{objects: map[string][]byte{}, blockAfter: -1, cut: -1} }

func (m *memory) block(ctx context.Context, where string) error {
	if m.blockIn != where {
		return nil
	}
	if m.deaf != nil {
		<-m.deaf
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (m *memory) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	if err := m.block(ctx, "create"); err != nil {
		return nil, err
	}
	if m.create != nil {
		return nil, m.create
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, exists := m.objects[key]; exists && !options.Replace {
		return nil, providers.ErrExists
	}
	m.open++
	return &memoryUpload{ctx: ctx, to: m, key: key}, nil
}

func (m *memory) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, exists := m.objects[key]
	if !exists {
		return nil, providers.ErrNotExist
	}
	if m.cut >= 0 {
		data = data[:min(m.cut, len(data))]
	}
	var reader io.Reader = bytes.NewReader(data)
	if m.brokenWith != nil {
		reader = io.MultiReader(reader, brokenReader{m.brokenWith})
	}
	return io.NopCloser(reader), nil
}

type brokenReader struct{ err error }

func (b brokenReader) Read([]byte) (int, error) { return 0, b.err }

func (m *memory) Stat(_ context.Context, key string) (providers.Object, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, exists := m.objects[key]
	if !exists {
		return providers.Object{}, providers.ErrNotExist
	}
	return providers.Object{Key: key, Size: int64(len(data))}, nil
}

func (m *memory) List(context.Context, string, func(providers.Object) error) error { return nil }
func (m *memory) Delete(context.Context, string, string) error                     { return nil }
func (m *memory) Remnants(context.Context, string) ([]providers.Remnant, error)    { return nil, nil }
func (m *memory) RemoveRemnant(context.Context, providers.Remnant) error           { return nil }
func (m *memory) Status(context.Context) (providers.Status, error)                 { return providers.Status{}, nil }

// object is what lies under the tests' key, nil for nothing.
func (m *memory) object() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.objects[testKey]
}

// unfinished is how many uploads were neither committed nor aborted.
func (m *memory) unfinished() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.open
}

type memoryUpload struct {
	ctx  context.Context
	to   *memory
	key  string
	over bool

	mu   sync.Mutex
	data []byte
}

// Reread implements providers.Rereadable for destinations that can.
func (u *memoryUpload) Reread() (providers.Reread, error) {
	if !u.to.reread {
		return nil, errors.ErrUnsupported
	}
	u.to.rereading.Add(1)
	return &memoryReread{u}, nil
}

type memoryReread struct{ upload *memoryUpload }

func (r *memoryReread) ReadAt(p []byte, offset int64) (int, error) {
	r.upload.mu.Lock()
	defer r.upload.mu.Unlock()
	n := copy(p, r.upload.data[min(offset, int64(len(r.upload.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (r *memoryReread) Close() error {
	r.upload.to.rereading.Add(-1)
	return nil
}

func (u *memoryUpload) Write(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil && u.to.deaf == nil {
		return 0, err
	}
	time.Sleep(u.to.delay)
	if u.to.fail != nil && len(u.data)+len(p) > u.to.failAfter {
		return 0, u.to.fail
	}
	if u.to.blockAfter >= 0 && len(u.data)+len(p) > u.to.blockAfter {
		if err := u.to.block(u.ctx, u.to.blockIn); err != nil {
			return 0, err
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.data = append(u.data, p...)
	return len(p), nil
}

func (u *memoryUpload) Commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	if err := u.to.block(ctx, "commit"); err != nil {
		return providers.Object{}, err
	}
	if u.to.commit != nil {
		return providers.Object{}, u.to.commit
	}
	if err := ctx.Err(); err != nil {
		return providers.Object{}, err
	}
	digest := newDigest()
	digest.add(u.data)
	if digest.sums() != sums {
		return providers.Object{}, errors.New("the sums are not those of what was written")
	}
	u.to.mu.Lock()
	defer u.to.mu.Unlock()
	u.over = true
	u.to.open--
	u.to.objects[u.key] = u.data
	return providers.Object{Key: u.key, Size: sums.Size, Version: "1", CRC32C: &sums.CRC32C}, nil
}

func (u *memoryUpload) Abort(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("the context to abort with has ended: %w", err)
	}
	u.to.mu.Lock()
	defer u.to.mu.Unlock()
	if !u.over {
		u.over = true
		u.to.open--
		u.to.aborted++
	}
	return u.to.abort
}

const (
	testKey    = "database/database-20261122T020000Z-3f9a1c.sql.zst"
	testHeader = "-- PostgreSQL database dump"
	testMarker = "-- PostgreSQL database dump complete"
)

// dumpFormat is that of PostgreSQL's plain dumps.
func dumpFormat() providers.Format {
	return providers.Format{
		Extension: ".sql", Headers: [][]byte{[]byte("PostgreSQL database cluster dump"), []byte("PostgreSQL database dump")},
		Trailer: []byte(testMarker),
	}
}

// dump is about n bytes of a plain dump with its marks.
func dump(n int) []byte {
	random := rand.New(rand.NewPCG(1, 2))
	var buffer bytes.Buffer
	buffer.WriteString("--\n" + testHeader + "\n--\n\\restrict abc\n")
	for i := 0; buffer.Len() < n; i++ {
		fmt.Fprintf(&buffer, "%d\t%d\t{\"event\": \"purchase\", \"item\": %d, \"price\": %d.%02d}\t2026-11-%02d %02d:%02d:%02d+00\n", i,
			random.IntN(5000), random.IntN(20000), random.IntN(1000), random.IntN(100), 1+random.IntN(28), random.IntN(24), random.IntN(60), random.IntN(60))
		if i%3 == 0 {
			fmt.Fprintf(&buffer, "%d\t%032x\tuser%d@example.com\tt\n", i, random.Uint64(), random.IntN(100000))
		}
	}
	buffer.WriteString("--\n" + testMarker + "\n--\n\n\\unrestrict abc\n")
	return buffer.Bytes()
}

// noise is a dump that hardly compresses, so that what is stored is as long as what is read.
func noise(n int) []byte {
	random := rand.NewChaCha8([32]byte{1})
	data := make([]byte, n)
	_, _ = random.Read(data)
	return slices.Concat([]byte(testHeader), data, []byte(testMarker))
}

// source is a source that a test makes up.
type source struct {
	format providers.Format
	read   func(ctx context.Context, w io.Writer) error
}

func (s source) Format() providers.Format { return s.format }
func (s source) Inspect(context.Context) (providers.Inspection, error) {
	return providers.Inspection{}, nil
}
func (s source) Read(ctx context.Context, run string, w io.Writer) (providers.Reading, error) {
	return providers.Reading{Versions: map[string]string{"run": run}}, s.read(ctx, w)
}

// pieces is a source that writes data in pieces of a size.
func pieces(data []byte, size int) source {
	return source{dumpFormat(), func(ctx context.Context, w io.Writer) error { return writePieces(ctx, w, data, size) }}
}

func writePieces(ctx context.Context, w io.Writer, data []byte, size int) error {
	for len(data) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(size, len(data))
		if _, err := w.Write(data[:n]); err != nil {
			return fmt.Errorf("writing: %w", err)
		}
		data = data[n:]
	}
	return nil
}

func codecOf(t testing.TB, method string) providers.Codec {
	t.Helper()
	codec, err := compression.NewCodec(method, providers.DefaultLevel)
	if err != nil {
		t.Fatal(err)
	}
	return codec
}

// job makes a job of a source and destinations.
func job(t testing.TB, method string, from providers.Source, to ...providers.Destination) Job {
	j := Job{
		Run: "imsctl-test", Source: from, Codec: codecOf(t, method), Key: testKey,
		Clock: clock.NewManual(time.Date(2026, 11, 22, 2, 0, 0, 0, time.UTC)),
	}
	for i, destination := range to {
		j.Branches = append(j.Branches, Branch{Name: fmt.Sprintf("destination.%d", i), Destination: destination})
	}
	return j
}

// watch checks at the end of a test that everything it started has ended.
func watch(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		for range 500 {
			if runtime.NumGoroutine() <= before {
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
		stacks := make([]byte, 1<<20)
		t.Errorf("%d goroutines, %d before:\n%s", runtime.NumGoroutine(), before, stacks[:runtime.Stack(stacks, true)])
	})
}

// empty checks that nothing can be seen at the destinations and that no upload is left open.
func empty(t *testing.T, destinations ...*memory) {
	t.Helper()
	for i, destination := range destinations {
		if destination.object() != nil {
			t.Errorf("destination %d has an object", i)
		}
		if n := destination.unfinished(); n != 0 {
			t.Errorf("destination %d has %d open uploads", i, n)
		}
	}
}

// holds checks that the destination has the object and that it decompresses to data.
func holds(t *testing.T, destination *memory, codec providers.Codec, data []byte) {
	t.Helper()
	reader, err := codec.NewReader(bytes.NewReader(destination.object()))
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(reader)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("the object holds %d bytes, not the %d that were read: %v", len(got), len(data), err)
	}
	if n := destination.unfinished(); n != 0 {
		t.Errorf("%d open uploads", n)
	}
}

// says checks that an error wraps another and has a text.
func says(t *testing.T, err, target error, text string) {
	t.Helper()
	if err == nil || target != nil && !errors.Is(err, target) || !strings.Contains(err.Error(), text) {
		t.Errorf("error %q, want one that is %v and says %q", fmt.Sprint(err), target, text)
	}
}
