package planner

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// prefix is where the new objects of a backup lie at each of its destinations.
func prefix(backup *spec.Backup) string { return backup.Name + "/" }

// ask finds out whether the destination can be used, its free space and its clock.
func (l *lookout) ask(ctx context.Context) {
	l.alive, l.gaveUp = context.WithCancel(ctx)
	if l.destination == nil {
		l.fail(fmt.Errorf("%s is not in the specification", l.address))
		return
	}
	var status providers.Status
	before := l.clock.Now()
	err := l.call(l.alive, func(ctx context.Context) (err error) {
		status, err = l.destination.Status(ctx)
		return err
	})
	if err != nil {
		l.fail(err)
		return
	}
	l.view.Free, l.view.Rules, l.view.HasClock = status.Free, status.Rules, !status.Time.IsZero()
	if !status.Time.IsZero() {
		// The store told its time somewhere between the question and the answer.
		after := l.clock.Now()
		l.view.Skew = status.Time.Sub(before.Add(after.Sub(before) / 2))
	}
}

// fail gives the destination up: half a view would look like copies that are gone. The first error is kept.
func (l *lookout) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.view.Err == nil {
		*l.view = DestinationView{Err: err, Free: -1}
		l.gaveUp()
	}
}

// failed reports whether the destination was given up.
func (l *lookout) failed() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.view.Err != nil
}

// close releases the context of the calls, once all of them have ended.
func (l *lookout) close() {
	if l.gaveUp != nil {
		l.gaveUp()
	}
}

// visit lists what lies at the destination in a group of folders, and reads the manifests that the state does not know.
func (l *lookout) visit(ctx context.Context, group group) {
	if ctx.Err() != nil || l.failed() {
		return
	}
	found := &collector{group: &group}
	err := l.call(l.alive, func(ctx context.Context) error {
		return l.destination.List(ctx, group.prefix, found.take)
	})
	if errors.Is(err, errCrowded) {
		for _, folder := range group.apart() {
			l.visit(ctx, folder)
		}
		return
	}
	if err != nil {
		l.fail(fmt.Errorf("listing %s: %w", group.prefix, err))
		return
	}
	var remnants []providers.Remnant
	err = l.call(l.alive, func(ctx context.Context) (err error) {
		remnants, err = l.destination.Remnants(ctx, group.prefix)
		return err
	})
	if err != nil {
		l.fail(fmt.Errorf("looking for unfinished uploads under %s: %w", group.prefix, err))
		return
	}
	remnants = slices.DeleteFunc(remnants, func(remnant providers.Remnant) bool { return !group.has(remnant.Key) })
	objects, manifests := l.readUnknown(found.objects)
	l.record(objects, remnants, manifests)
}

// record adds what one visit found to the view.
func (l *lookout) record(found []providers.Object, remnants []providers.Remnant, manifests map[string]ManifestView) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.view.Err != nil {
		return
	}
	if len(l.view.Objects) == 0 {
		l.view.Objects = make(map[string]providers.Object, max(len(found), 2*len(l.known)))
	}
	for _, object := range found {
		l.view.Objects[object.Key] = object
	}
	for key, manifest := range manifests {
		l.view.Manifests[key] = manifest
	}
	l.view.Remnants = append(l.view.Remnants, remnants...)
}

// readUnknown reads the manifests of the copies that the state does not have here. One that vanished since the listing
// is taken out of what was found.
func (l *lookout) readUnknown(found []providers.Object) ([]providers.Object, map[string]ManifestView) {
	manifests := make(map[string]ManifestView)
	remaining := slices.DeleteFunc(found, func(object providers.Object) bool {
		owner, isManifest := strings.CutSuffix(object.Key, state.ManifestSuffix)
		if !isManifest || l.known[owner] {
			return false
		}
		view := l.readManifest(object)
		if errors.Is(view.Err, providers.ErrNotExist) {
			return true
		}
		manifests[object.Key] = view
		return false
	})
	return remaining, manifests
}

// readManifest reads and parses one manifest.
func (l *lookout) readManifest(object providers.Object) ManifestView {
	if object.Size > state.MaxManifestSize {
		return ManifestView{Err: fmt.Errorf("%s is larger than any manifest", object.Key)}
	}
	var data []byte
	err := l.call(l.alive, func(ctx context.Context) (err error) {
		data, err = providers.ReadObject(ctx, l.destination, object.Key, state.MaxManifestSize)
		return err
	})
	if err != nil {
		return ManifestView{Err: fmt.Errorf("reading %s: %w", object.Key, err)}
	}
	manifest, err := state.DecodeManifest(data)
	if err != nil {
		return ManifestView{Err: fmt.Errorf("reading %s: %w", object.Key, err)}
	}
	sum := sha256.Sum256(data)
	return ManifestView{Manifest: manifest, SHA256: hex.EncodeToString(sum[:])}
}
