package retry

import (
	"context"

	"github.com/castrolanda/imsctl/providers"
)

// upload implements providers.Upload.
type upload struct {
	inner       providers.Upload
	destination *destination
	ctx         context.Context
	key         string
}

// Write implements providers.Upload. Bytes that were taken are never sent a second time: whoever takes some of them and calls the
// failure temporary breaks the contract, and gets no second chance.
func (u *upload) Write(p []byte) (int, error) {
	written, partial := 0, error(nil)
	err := u.destination.call("write", u.key).run(u.ctx, func() (err error) {
		written, err = u.inner.Write(p)
		if err != nil && written > 0 {
			partial = err
			return nil
		}
		return err
	})
	if partial != nil {
		err = partial
	}
	return written, err
}

// Commit implements providers.Upload: a repeated one finds out what became of the one before.
func (u *upload) Commit(ctx context.Context, sums providers.Checksums) (object providers.Object, err error) {
	err = u.destination.call("commit", u.key).run(ctx, func() (err error) {
		if object, err = u.inner.Commit(ctx, sums); err != nil {
			object = providers.Object{}
		}
		return err
	})
	return object, err
}

// Abort implements providers.Upload.
func (u *upload) Abort(ctx context.Context) error {
	return u.destination.call("abort", u.key).run(ctx, func() error { return u.inner.Abort(ctx) })
}

// Unwrap is the upload that is wrapped, for providers.RereadUpload.
func (u *upload) Unwrap() providers.Upload { return u.inner }
