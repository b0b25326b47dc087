package retry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/castrolanda/imsctl/providers"
)

// flaky is a destination of which every call fails twice before it succeeds, and every reading breaks on the way.
type flaky struct {
	inner providers.Destination

	mu    sync.Mutex
	calls map[string]int
	// failures is how often a call fails in a row; 2 when it is zero.
	failures int
}

func newFlaky(inner providers.Destination) *flaky {
	return &flaky{inner: inner, calls: make(map[string]int), failures: 2}
}

// fails counts a call, and returns an error if it is its turn to fail.
func (f *flaky) fails(call string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[call]++
	if f.calls[call]%(f.failures+1) == 0 {
		return nil
	}
	return fmt.Errorf("%s for the %d. time: %w", call, f.calls[call], providers.ErrTemporary)
}

func (f *flaky) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	if err := f.fails("create"); err != nil {
		return nil, err
	}
	upload, err := f.inner.Create(ctx, key, options)
	if err != nil {
		return nil, err
	}
	return &flakyUpload{inner: upload, flaky: f}, nil
}

func (f *flaky) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	if err := f.fails("open"); err != nil {
		return nil, err
	}
	reader, err := f.inner.Open(ctx, key)
	if err != nil {
		return nil, err
	}
	return &flakyReader{reader, f.fails("read")}, nil
}

// flakyReader breaks after its first piece if it is to.
type flakyReader struct {
	io.ReadCloser
	broken error
}

func (r *flakyReader) Read(p []byte) (int, error) {
	if r.broken == nil {
		return r.ReadCloser.Read(p)
	}
	n, err := r.ReadCloser.Read(p[:min(len(p), 700)])
	return n, errors.Join(r.broken, err)
}

func (f *flaky) Stat(ctx context.Context, key string) (providers.Object, error) {
	if err := f.fails("stat"); err != nil {
		return providers.Object{}, err
	}
	return f.inner.Stat(ctx, key)
}

// List breaks before, within and after a listing.
func (f *flaky) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	broken, yielded := f.fails("list"), 0
	err := f.inner.List(ctx, prefix, func(object providers.Object) error {
		if broken != nil && yielded == 1 {
			return broken
		}
		yielded++
		return yield(object)
	})
	return errors.Join(broken, err)
}

// Delete loses its answer: what is deleted is, and the caller does not know.
func (f *flaky) Delete(ctx context.Context, key, version string) error {
	broken := f.fails("delete")
	if err := f.inner.Delete(ctx, key, version); err != nil {
		return err
	}
	return broken
}

func (f *flaky) Remnants(ctx context.Context, prefix string) ([]providers.Remnant, error) {
	if err := f.fails("remnants"); err != nil {
		return nil, err
	}
	return f.inner.Remnants(ctx, prefix)
}

func (f *flaky) RemoveRemnant(ctx context.Context, remnant providers.Remnant) error {
	broken := f.fails("remove remnant")
	return errors.Join(broken, f.inner.RemoveRemnant(ctx, remnant))
}

func (f *flaky) Status(ctx context.Context) (providers.Status, error) {
	if err := f.fails("status"); err != nil {
		return providers.Status{}, err
	}
	return f.inner.Status(ctx)
}

// flakyUpload takes nothing of what it fails to write, and forgets to say that it has committed.
type flakyUpload struct {
	inner  providers.Upload
	flaky  *flaky
	object *providers.Object
	told   bool
}

func (u *flakyUpload) Write(p []byte) (int, error) {
	if err := u.flaky.fails("write"); err != nil {
		return 0, err
	}
	return u.inner.Write(p)
}

func (u *flakyUpload) Commit(ctx context.Context, sums providers.Checksums) (providers.Object, error) {
	if u.object == nil || u.told {
		object, err := u.inner.Commit(ctx, sums)
		if err != nil {
			return providers.Object{}, err
		}
		u.object = &object
	}
	if err := u.flaky.fails("commit"); err != nil {
		return providers.Object{}, err
	}
	u.told = true
	return *u.object, nil
}

func (u *flakyUpload) Abort(ctx context.Context) error {
	if err := u.flaky.fails("abort"); err != nil {
		return err
	}
	return u.inner.Abort(ctx)
}
