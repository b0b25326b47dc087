package destinationtest

import (
	"context"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

func testAbort(t *testing.T, s *suite) {
	for name, size := range map[string]int{"nothing written": 0, "little written": 100, "much written": 9 << 20} {
		t.Run(name, func(t *testing.T) {
			d, data := s.open(t), content(20, size)
			upload := create(t, d, "some/folder/object", providers.CreateOptions{})
			write(t, upload, data)
			for range 2 {
				if err := upload.Abort(t.Context()); err != nil {
					t.Fatal(err)
				}
				expectClean(t, d, "some/folder/object")
			}
			if _, err := upload.Commit(t.Context(), sums(data)); err == nil {
				t.Error("a commit after the abort succeeded")
			}
			if _, err := upload.Write([]byte("more")); err == nil {
				t.Error("a write after the abort succeeded")
			}
			expectClean(t, d, "some/folder/object")
			put(t, d, "some/folder/object", data, providers.CreateOptions{})
			expect(t, d, "some/folder/object", data)
		})
	}
}

func testAbortAfterCommit(t *testing.T, s *suite) {
	d, data := s.open(t), content(21, 1000)
	upload := create(t, d, "object", providers.CreateOptions{})
	write(t, upload, data)
	if _, err := upload.Commit(t.Context(), sums(data)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := upload.Abort(t.Context()); err != nil {
			t.Error(err)
		}
	}
	expect(t, d, "object", data)
}

// testAbortAfterCancel checks that the end of the context ends the upload, and that it can be cleaned up then.
func testAbortAfterCancel(t *testing.T, s *suite) {
	d, data := s.open(t), content(22, 1<<20)
	ctx, cancel := context.WithCancel(t.Context())
	upload, err := d.Create(ctx, "object", providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, upload, data)
	cancel()
	// A store that collects what it is given may notice some bytes later.
	for written := 0; err == nil && written < 64<<20; written += len(data) {
		_, err = upload.Write(data)
	}
	if err == nil {
		t.Error("64 MiB could be written after the context had ended")
	}
	if _, err := upload.Commit(t.Context(), sums(data)); err == nil {
		t.Error("a commit succeeded after the upload's context had ended")
	}
	if err := upload.Abort(ctx); err != nil {
		// The context of this call has ended too; with a live one it must work.
		if err := upload.Abort(t.Context()); err != nil {
			t.Error(err)
		}
	}
	expectClean(t, d, "object")
}

func testReplaceAborted(t *testing.T, s *suite) {
	d, data := s.open(t), content(23, 4000)
	object := put(t, d, "object", data, providers.CreateOptions{})
	upload := create(t, d, "object", providers.CreateOptions{Replace: true})
	write(t, upload, content(24, 5000))
	expect(t, d, "object", data)
	if err := upload.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	described, err := d.Stat(t.Context(), "object")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Stat", described, object)
	expect(t, d, "object", data)
}
