package destinationtest

import (
	"context"
	"errors"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// testContexts checks that no call does its work under a context that has ended.
func testContexts(t *testing.T, s *suite) {
	d, data := s.open(t), content(40, 2000)
	object := put(t, d, "object", data, providers.CreateOptions{})
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"Create": func() error {
			upload, err := d.Create(ended, "new", providers.CreateOptions{})
			if err == nil {
				_, err = upload.Commit(t.Context(), sums(nil))
				upload.Abort(t.Context())
			}
			return err
		},
		"Commit": func() error {
			upload := create(t, d, "new", providers.CreateOptions{})
			write(t, upload, data)
			_, err := upload.Commit(ended, sums(data))
			return errors.Join(err, upload.Abort(t.Context()))
		},
		"Open": func() error {
			reader, err := d.Open(ended, "object")
			if err == nil {
				_, err = reader.Read(make([]byte, 1))
				reader.Close()
			}
			return err
		},
		"Stat":     func() error { _, err := d.Stat(ended, "object"); return err },
		"List":     func() error { return d.List(ended, "", func(providers.Object) error { return nil }) },
		"Delete":   func() error { return d.Delete(ended, object.Key, object.Version) },
		"Remnants": func() error { _, err := d.Remnants(ended, ""); return err },
		"Status":   func() error { _, err := d.Status(ended); return err },
	} {
		if err := call(); !errors.Is(err, context.Canceled) {
			t.Errorf("%s under an ended context: %v", name, err)
		}
	}
	expect(t, d, "object", data)
	if found := keys(t, d, ""); len(found) != 1 {
		t.Errorf("List shows %q", found)
	}

	running, stop := context.WithCancel(t.Context())
	defer stop()
	put(t, d, "second", nil, providers.CreateOptions{})
	err := d.List(running, "", func(providers.Object) error { stop(); return nil })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("a listing that was cancelled half way: %v", err)
	}
}
