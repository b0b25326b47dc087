package destinationtest

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
)

func testRoundTrip(t *testing.T, s *suite) {
	d, data := s.open(t), content(1, 100_000)
	object := put(t, d, "database/2026/dump.sql.zst", data, providers.CreateOptions{Size: int64(len(data))})
	if object.Key != "database/2026/dump.sql.zst" || object.Size != int64(len(data)) {
		t.Errorf("the commit says %+v", object)
	}
	expect(t, d, "database/2026/dump.sql.zst", data)
	if found := remnants(t, d, ""); len(found) != 0 {
		t.Errorf("remnants after a commit: %+v", found)
	}
}

func testEmpty(t *testing.T, s *suite) {
	d := s.open(t)
	if object := put(t, d, "empty", nil, providers.CreateOptions{}); object.Size != 0 {
		t.Errorf("the commit says %+v", object)
	}
	expect(t, d, "empty", nil)
	if found := list(t, d, ""); len(found) != 1 || found[0].Size != 0 {
		t.Errorf("List says %+v", found)
	}
}

// testLarge writes more than any store's chunk in pieces that fit none, announcing another size than comes.
func testLarge(t *testing.T, s *suite) {
	d, data := s.open(t), content(2, 20<<20+12345)
	upload := create(t, d, "large", providers.CreateOptions{Size: 1 << 20})
	for rest, size := data, 1; len(rest) > 0; size = size*3 + 1 {
		piece := rest[:min(size%3_000_017, len(rest))]
		write(t, upload, piece)
		rest = rest[len(piece):]
	}
	if _, err := upload.Commit(t.Context(), sums(data)); err != nil {
		t.Fatal(err)
	}
	expect(t, d, "large", data)
}

func testInvisible(t *testing.T, s *suite) {
	d, data := s.open(t), content(3, 3<<20)
	upload := create(t, d, "folder/object", providers.CreateOptions{})
	expectNothing(t, d, "folder/object")
	write(t, upload, data)
	expectNothing(t, d, "folder/object")
	if s.reopen != nil {
		expectNothing(t, s.reopen(t, d), "folder/object")
	}
	if _, err := upload.Commit(t.Context(), sums(data)); err != nil {
		t.Fatal(err)
	}
	expect(t, d, "folder/object", data)
	if s.reopen != nil {
		expect(t, s.reopen(t, d), "folder/object", data)
	}
}

// testDescribe checks that every call says the same of an object, and that it is true.
func testDescribe(t *testing.T, s *suite) {
	d, data := s.open(t), content(4, 5000)
	before := time.Now()
	object := put(t, d, "object", data, providers.CreateOptions{})
	if object.Version == "" {
		t.Error("the object has no version")
	}
	if object.CRC32C != nil && *object.CRC32C != sums(data).CRC32C {
		t.Errorf("the store's CRC-32C is %08x, that of the bytes %08x", *object.CRC32C, sums(data).CRC32C)
	}
	if object.Modified.Location() != time.UTC {
		t.Errorf("the time of change is in %s", object.Modified.Location())
	}
	if away := object.Modified.Sub(before); away < -time.Hour || away > time.Hour {
		t.Errorf("it was changed at %s, and it is %s", object.Modified, before)
	}
	described, err := d.Stat(t.Context(), "object")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Stat", described, object)
	if found := list(t, d, ""); len(found) != 1 {
		t.Errorf("List says %+v", found)
	} else {
		same(t, "List", found[0], object)
	}
	if s.reopen == nil {
		return
	}
	described, err = s.reopen(t, d).Stat(t.Context(), "object")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Stat of another process", described, object)
}

func testSecondCommit(t *testing.T, s *suite) {
	d, data := s.open(t), content(5, 1000)
	upload := create(t, d, "object", providers.CreateOptions{})
	write(t, upload, data)
	object, err := upload.Commit(t.Context(), sums(data))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := upload.Commit(t.Context(), sums(data)); err == nil {
		t.Error("a second commit succeeded")
	}
	if _, err := upload.Write(data); err == nil {
		t.Error("a write after the commit succeeded")
	}
	if err := upload.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	described, err := d.Stat(t.Context(), "object")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "Stat", described, object)
	expect(t, d, "object", data)
}

// testWrongSums checks that nothing becomes visible that is not what the writer meant. Stores differ in the checksums they
// can compare, so either the size or all of them are wrong.
func testWrongSums(t *testing.T, s *suite) {
	data, other := content(6, 9000), sums(content(7, 9000))
	short, long := sums(data), sums(data)
	short.Size--
	long.Size++
	for name, wrong := range map[string]providers.Checksums{
		"too short": short, "too long": long, "other bytes": other, "nothing": sums(nil),
	} {
		t.Run(name, func(t *testing.T) {
			d := s.open(t)
			upload := create(t, d, "object", providers.CreateOptions{})
			write(t, upload, data)
			if object, err := upload.Commit(t.Context(), wrong); err == nil {
				t.Errorf("a commit of %d bytes as others succeeded: %+v", len(data), object)
			}
			expectNothing(t, d, "object")
			if err := upload.Abort(t.Context()); err != nil {
				t.Error(err)
			}
			expectClean(t, d, "object")
			put(t, d, "object", data, providers.CreateOptions{})
			expect(t, d, "object", data)
		})
	}
}

func testExists(t *testing.T, s *suite) {
	d, first, second := s.open(t), content(8, 700), content(9, 800)
	late := create(t, d, "object", providers.CreateOptions{})
	write(t, late, second)
	put(t, d, "object", first, providers.CreateOptions{})
	if _, err := late.Commit(t.Context(), sums(second)); !errors.Is(err, providers.ErrExists) {
		t.Errorf("a commit over an object: %v", err)
	}
	if err := late.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	expect(t, d, "object", first)

	upload, err := d.Create(t.Context(), "object", providers.CreateOptions{})
	if err == nil {
		// A store may be unable to tell before the end.
		upload.Write(second)
		_, err = upload.Commit(t.Context(), sums(second))
		if err := upload.Abort(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if !errors.Is(err, providers.ErrExists) {
		t.Errorf("creating what exists: %v", err)
	}
	expect(t, d, "object", first)
	if found := remnants(t, d, ""); len(found) != 0 {
		t.Errorf("remnants: %+v", found)
	}
}

func testReplace(t *testing.T, s *suite) {
	d := s.open(t)
	put(t, d, "new", content(10, 10), providers.CreateOptions{Replace: true})
	versions := make(map[string]bool)
	for seed := range byte(10) {
		data := content(seed, 500) // of one size, so that the version must show it
		object := put(t, d, "object", data, providers.CreateOptions{Replace: true})
		if versions[object.Version] {
			t.Errorf("version %q names two objects", object.Version)
		}
		versions[object.Version] = true
		expect(t, d, "object", data)
	}
	if found := keys(t, d, ""); len(found) != 2 {
		t.Errorf("List shows %q", found)
	}
}

// testReadWhileReplaced checks that a reader gets the whole of one object, whichever.
func testReadWhileReplaced(t *testing.T, s *suite) {
	d, first, second := s.open(t), content(11, 6<<20), content(12, 5<<20)
	put(t, d, "object", first, providers.CreateOptions{})
	reader, err := d.Open(t.Context(), "object")
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	got := make([]byte, 1000)
	if _, err := io.ReadFull(reader, got); err != nil {
		t.Fatal(err)
	}
	put(t, d, "object", second, providers.CreateOptions{Replace: true})
	rest, err := io.ReadAll(reader)
	if err != nil {
		return // a store that no longer has the first may say so
	}
	if got = append(got, rest...); !bytes.Equal(got, first) {
		t.Errorf("the reader got %d bytes that are not the object it opened", len(got))
	}
	expect(t, d, "object", second)
}
