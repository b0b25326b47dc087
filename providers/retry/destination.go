package retry

import (
	"context"
	"errors"
	"io"

	"github.com/castrolanda/imsctl/providers"
)

// destination implements providers.Destination.
type destination struct {
	inner   providers.Destination
	address string
	policy  Policy
}

// Destination returns a destination that tries again what inner says was temporary. address is what people call it. One that is
// wrapped already is returned as it is.
func Destination(inner providers.Destination, address string, policy Policy) providers.Destination {
	if wrapped, ok := inner.(*destination); ok {
		return wrapped
	}
	return &destination{inner: inner, address: address, policy: policy}
}

// call begins a call.
func (d *destination) call(what, key string) call {
	return call{policy: &d.policy, what: what, address: d.address, key: key}
}

// Create implements providers.Destination. Nothing can be seen of an upload that did not begin, so that it can begin again.
func (d *destination) Create(ctx context.Context, key string, options providers.CreateOptions) (providers.Upload, error) {
	var made providers.Upload
	err := d.call("create", key).run(ctx, func() (err error) {
		made, err = d.inner.Create(ctx, key, options)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &upload{inner: made, destination: d, ctx: ctx, key: key}, nil
}

// Stat implements providers.Destination.
func (d *destination) Stat(ctx context.Context, key string) (object providers.Object, err error) {
	err = d.call("stat", key).run(ctx, func() (err error) {
		object, err = d.inner.Stat(ctx, key)
		return err
	})
	return object, err
}

// List implements providers.Destination. A listing that broke begins again and leaves out what was yielded: keys ascend, so that
// this is all up to the last one.
func (d *destination) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	last, any := "", false
	var stopped error
	err := d.call("list", prefix).run(ctx, func() error {
		err := d.inner.List(ctx, prefix, func(object providers.Object) error {
			if any && object.Key <= last {
				return nil
			}
			last, any = object.Key, true
			stopped = yield(object)
			return stopped
		})
		if stopped != nil {
			return nil // it is the caller's, whatever it wraps
		}
		return err
	})
	if stopped != nil {
		return stopped
	}
	return err
}

// Delete implements providers.Destination. An object that is gone after an attempt whose answer was lost was deleted by it.
func (d *destination) Delete(ctx context.Context, key, version string) error {
	unsure := false
	return d.call("delete", key).run(ctx, func() error {
		err := d.inner.Delete(ctx, key, version)
		if unsure && errors.Is(err, providers.ErrNotExist) {
			return nil
		}
		unsure = unsure || errors.Is(err, providers.ErrTemporary)
		return err
	})
}

// Remnants implements providers.Destination.
func (d *destination) Remnants(ctx context.Context, prefix string) (remnants []providers.Remnant, err error) {
	err = d.call("remnants", prefix).run(ctx, func() (err error) {
		remnants, err = d.inner.Remnants(ctx, prefix)
		return err
	})
	return remnants, err
}

// RemoveRemnant implements providers.Destination.
func (d *destination) RemoveRemnant(ctx context.Context, remnant providers.Remnant) error {
	return d.call("remove remnant", remnant.Key).run(ctx, func() error { return d.inner.RemoveRemnant(ctx, remnant) })
}

// Status implements providers.Destination.
func (d *destination) Status(ctx context.Context) (status providers.Status, err error) {
	err = d.call("status", "").run(ctx, func() (err error) {
		status, err = d.inner.Status(ctx)
		return err
	})
	return status, err
}

// Open implements providers.Destination.
func (d *destination) Open(ctx context.Context, key string) (io.ReadCloser, error) {
	r := &reader{destination: d, ctx: ctx, key: key}
	if err := r.open(); err != nil {
		return nil, err
	}
	return r, nil
}
