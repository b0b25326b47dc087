// Package strict is a destination in memory that is as strict as the clouds, for tests of whatever works with destinations: a
// bucket.Store seen through the contract, in which everything can be made to go wrong.
package strict

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/castrolanda/imsctl/internal/faultlist"
	"github.com/castrolanda/imsctl/internal/testenv/bucket"
	"github.com/castrolanda/imsctl/providers"
)

// pageSize is how many objects a listing asks for at a time.
const pageSize = 100

// Destination is a folder of a store, as one process sees it. It implements providers.Destination.
type Destination struct {
	store  *bucket.Store
	prefix string
	// owner is whose uploads are no remnants.
	owner   string
	uploads atomic.Int64
	faults  *faultlist.List[Fault]
}

// New returns a destination on a store, whose objects have names that begin with prefix. Another one on the same store and with
// the same prefix is what another process sees.
func New(store *bucket.Store, prefix string) *Destination {
	return &Destination{store: store, prefix: prefix, owner: rand.Text(), faults: faultlist.New[Fault]()}
}

// Store is where the objects are.
func (d *Destination) Store() *bucket.Store { return d.store }

// Inject adds faults. Of those that fit a call, the first that has not happened often enough counts.
func (d *Destination) Inject(list ...Fault) {
	for _, fault := range list {
		d.faults.Add(fault, fault.After, fault.Times)
	}
}

// Heal drops all faults and ends the calls that stall.
func (d *Destination) Heal() { d.faults.Heal() }

// Hits is how many faults have happened.
func (d *Destination) Hits() int { return d.faults.Hits() }

// explain turns a refusal of the store into one of the contract's.
func (d *Destination) explain(doing string, err error) error {
	var denied *bucket.Denied
	switch {
	case err == nil:
		return nil
	case errors.As(err, &denied):
		err = fmt.Errorf("%w: grant the right to %s below %q", providers.ErrDenied, denied.Permission, d.prefix)
	case errors.Is(err, bucket.ErrNotExist):
		err = providers.ErrNotExist
	case errors.Is(err, bucket.ErrPrecondition):
		err = providers.ErrChanged
	case errors.Is(err, bucket.ErrKept):
		err = fmt.Errorf("%w: %w", providers.ErrProtected, err)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// call does something, with what the faults do to it. A legal key is a condition of all that has one.
func (d *Destination) call(ctx context.Context, operation Operation, key string, do func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	fault, released := d.find(operation, key)
	if err := fault.before(ctx, released); err != nil {
		return err
	}
	err := do()
	if err == nil && fault != nil && fault.Kind == LostAnswer {
		return fmt.Errorf("%w: the answer was lost", providers.ErrTemporary)
	}
	return err
}

// describe is an object of the store in the words of the contract.
func (d *Destination) describe(o bucket.Object) providers.Object {
	described := providers.Object{
		Key: strings.TrimPrefix(o.Name, d.prefix), Size: int64(len(o.Data)), Version: strconv.FormatInt(o.Generation, 10), Modified: o.Created, CRC32C: &o.CRC32C,
	}
	switch {
	case o.TemporaryHold:
		described.KeptBy = "a temporary hold"
	case o.RetainedUntil.After(d.store.Now()):
		described.KeptBy = "its retention policy until " + o.RetainedUntil.Format("2006-01-02 15:04 MST")
	}
	return described
}

// Open implements providers.Destination.
func (d *Destination) Open(ctx context.Context, key string) (reader io.ReadCloser, err error) {
	if err := providers.CheckKey(key); err != nil {
		return nil, err
	}
	err = d.call(ctx, Open, key, func() error {
		object, err := d.store.Get(d.prefix + key)
		if err != nil {
			return d.explain("opening "+key, err)
		}
		fault, released := d.find(Read, key)
		reader = &objectReader{ctx: ctx, data: object.Data, size: len(object.Data), fault: fault, released: released}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return reader, nil
}

// Stat implements providers.Destination.
func (d *Destination) Stat(ctx context.Context, key string) (object providers.Object, err error) {
	if err := providers.CheckKey(key); err != nil {
		return object, err
	}
	err = d.call(ctx, Stat, key, func() error {
		found, err := d.store.Get(d.prefix + key)
		object = d.describe(found)
		return d.explain("looking at "+key, err)
	})
	if err != nil {
		return providers.Object{}, err
	}
	return object, nil
}

// List implements providers.Destination.
func (d *Destination) List(ctx context.Context, prefix string, yield func(providers.Object) error) error {
	for after, more := "", true; more; {
		var page []bucket.Object
		err := d.call(ctx, List, prefix, func() (err error) {
			page, more, err = d.store.List(d.prefix+prefix, after, pageSize)
			return d.explain("listing", err)
		})
		if err != nil {
			return err
		}
		for _, object := range page {
			after = object.Name
			if providers.CheckKey(strings.TrimPrefix(object.Name, d.prefix)) != nil {
				continue // such a name is nobody's key
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := yield(d.describe(object)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Delete implements providers.Destination.
func (d *Destination) Delete(ctx context.Context, key, version string) error {
	if err := providers.CheckKey(key); err != nil {
		return err
	}
	return d.call(ctx, Delete, key, func() error {
		generation, err := strconv.ParseInt(version, 10, 64)
		if err != nil || generation <= 0 {
			// Not one of this store's: whatever is there is another.
			generation = -1
		}
		return d.explain("deleting "+key, d.store.Delete(d.prefix+key, bucket.Conditions{Generation: generation}))
	})
}

// Remnants implements providers.Destination.
func (d *Destination) Remnants(ctx context.Context, prefix string) (found []providers.Remnant, err error) {
	err = d.call(ctx, Remnants, prefix, func() error {
		if err := d.store.Need(bucket.List); err != nil {
			return d.explain("listing uploads", err)
		}
		for _, upload := range d.store.Uploads(d.prefix + prefix) {
			if upload.Owner != d.owner {
				found = append(found, providers.Remnant{Key: strings.TrimPrefix(upload.Name, d.prefix), Name: upload.ID, Size: upload.Size, Modified: upload.Grown})
			}
		}
		return nil
	})
	return found, err
}

// RemoveRemnant implements providers.Destination.
func (d *Destination) RemoveRemnant(ctx context.Context, remnant providers.Remnant) error {
	return d.call(ctx, RemoveRemnant, remnant.Key, func() error {
		if upload := d.store.Upload(remnant.Name); upload != nil && upload.Name == d.prefix+remnant.Key {
			upload.Drop()
		}
		return nil
	})
}

// Status implements providers.Destination.
func (d *Destination) Status(ctx context.Context) (status providers.Status, err error) {
	err = d.call(ctx, Status, "", func() error {
		_, _, err := d.store.List(d.prefix, "", 1)
		status = providers.Status{Free: -1, Time: d.store.Now(), Rules: &providers.Rules{}}
		return d.explain("destination cannot be used", err)
	})
	if err != nil {
		return providers.Status{}, err
	}
	return status, nil
}
