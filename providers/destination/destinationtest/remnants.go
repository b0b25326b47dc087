package destinationtest

import (
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

// testProgress checks that an upload in progress is no remnant of its own process.
func testProgress(t *testing.T, s *suite) {
	d, data := s.open(t), content(50, 9<<20)
	upload := create(t, d, "folder/object", providers.CreateOptions{})
	write(t, upload, data)
	if found := remnants(t, d, ""); len(found) != 0 {
		t.Errorf("remnants while uploading: %+v", found)
	}
	if _, err := upload.Commit(t.Context(), sums(data)); err != nil {
		t.Fatal(err)
	}
	if found := remnants(t, d, ""); len(found) != 0 {
		t.Errorf("remnants after the commit: %+v", found)
	}
}

// testCrash drops an upload as a process that dies does, and looks at the store as the next process.
func testCrash(t *testing.T, s *suite) {
	if s.reopen == nil {
		t.Fatal("the suite is run with Reopen, or Without Crash and a reason")
	}
	dead, data := s.open(t), content(51, 9<<20)
	upload, err := dead.Create(t.Context(), "folder/object", providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, upload, data)

	d := s.reopen(t, dead)
	expectNothing(t, d, "folder/object")
	for prefix, count := range map[string]int{"": 1, "folder/": 1, "folder/obj": 1, "folder/object": 1, "other/": 0, "folder/objects": 0} {
		if found := remnants(t, d, prefix); len(found) != count {
			t.Errorf("remnants of %q: %+v, want %d", prefix, found, count)
		}
	}
	for _, remnant := range remnants(t, d, "") {
		if remnant.Key != "folder/object" || remnant.Name == "" {
			t.Errorf("remnant %+v", remnant)
		}
		if away := time.Since(remnant.Modified); !remnant.Modified.IsZero() && (away < -time.Hour || away > time.Hour || remnant.Modified.Location() != time.UTC) {
			t.Errorf("the remnant last grew at %s", remnant.Modified)
		}
		for range 2 {
			if err := d.RemoveRemnant(t.Context(), remnant); err != nil {
				t.Error(err)
			}
		}
	}
	expectClean(t, d, "folder/object")
	put(t, d, "folder/object", data, providers.CreateOptions{})
	expect(t, d, "folder/object", data)
}

// testRemoveRemnant checks that nothing but remnants can be removed as one.
func testRemoveRemnant(t *testing.T, s *suite) {
	d, data := s.open(t), content(52, 100)
	put(t, d, "folder/object", data, providers.CreateOptions{})
	for _, remnant := range []providers.Remnant{
		{Key: "folder/object", Name: "folder/object"},
		{Key: "folder/object"},
		{Name: "folder/object"},
		{},
	} {
		if err := d.RemoveRemnant(t.Context(), remnant); err == nil {
			t.Logf("%+v is taken for one that is gone", remnant)
		}
	}
	expect(t, d, "folder/object", data)
}

func testStatus(t *testing.T, s *suite) {
	d := s.open(t)
	for range 2 { // before there is anything and with something there
		status, err := d.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if status.Free != -1 && status.Free < 1<<20 {
			t.Errorf("%d bytes are free", status.Free)
		}
		if away := time.Since(status.Time); !status.Time.IsZero() && (away < -time.Hour || away > time.Hour) {
			t.Errorf("the store's clock shows %s", status.Time)
		}
		if found := remnants(t, d, ""); len(found) != 0 {
			t.Errorf("remnants: %+v", found)
		}
		put(t, d, "object", nil, providers.CreateOptions{Replace: true})
	}
}
