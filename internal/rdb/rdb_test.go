package rdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/internal/rdb"
)

// scanned is what a scan of bytes told.
type scanned struct {
	keys   []string
	output []byte
	rdb.Snapshot
}

func scan(data []byte, options rdb.Options) (scanned, error) {
	var told scanned
	var output bytes.Buffer
	options.Output = &output
	options.Key = func(key rdb.Key) error {
		told.keys = append(told.keys, fmt.Sprintf("%d %s %d", key.Database, key.Name, key.Expires))
		return nil
	}
	found, err := rdb.Scan(bytes.NewReader(data), options)
	told.Snapshot, told.output = found, output.Bytes()
	return told, err
}

func realSnapshot(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/redis-7.0.rdb")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestChecksum(t *testing.T) {
	// The value that Redis's own test of its CRC-64 has.
	if got := jones([]byte("123456789")); got != 0xe9c6d914c4b8d9ca {
		t.Errorf("got %x", got)
	}
}

func TestSnapshotOfAServer(t *testing.T) {
	data := realSnapshot(t)
	var functions []string
	told, err := scan(data, rdb.Options{Function: func(code []byte) error {
		functions = append(functions, string(code))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if want := (rdb.Snapshot{Version: 10, Server: "7.0.15", Size: int64(len(data)), Summed: true, Understood: true}); told.Snapshot != want {
		t.Errorf("got %+v, want %+v", told.Snapshot, want)
	}
	if !bytes.Equal(told.output, data) {
		t.Errorf("%d bytes came out, not the %d of the file", len(told.output), len(data))
	}
	if len(functions) != 1 || !strings.HasPrefix(functions[0], "#!lua name=lib") {
		t.Errorf("functions: %q", functions)
	}
	all := strings.Join(told.keys, "\n") + "\n"
	for _, want := range []string{"0 12345 0\n", "0 300000 0\n", "0 -5 0\n", "0 " + strings.Repeat("long:", 30) + " 0\n", "0 bin\x00\xff 0\n", "5 other 0\n", "0 stream 0\n"} {
		if !strings.Contains(all, want) {
			t.Errorf("there is no key %q", want)
		}
	}
	if len(told.keys) != 21 || !strings.Contains(all, "0 ttl 2") {
		t.Errorf("%d keys: %q", len(told.keys), all)
	}
}

// TestHowBytesArrive gives the scanner one byte at a time.
func TestHowBytesArrive(t *testing.T) {
	data := realSnapshot(t)
	var output bytes.Buffer
	found, err := rdb.Scan(iotest.OneByteReader(bytes.NewReader(data)), rdb.Options{Output: &output, Dumps: true})
	if err != nil || !found.Summed || !bytes.Equal(output.Bytes(), data) {
		t.Errorf("got %+v, %v, %d bytes", found, err, output.Len())
	}
}

// TestEveryCutIsFound cuts a snapshot at each byte.
func TestEveryCutIsFound(t *testing.T) {
	data := realSnapshot(t)
	for size := range len(data) {
		if _, err := scan(data[:size], rdb.Options{}); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("of %d bytes the first %d give %v", len(data), size, err)
		}
	}
	for _, more := range []int{1, 8, 40, 70_000} {
		if _, err := scan(append(bytes.Clone(data), make([]byte, more)...), rdb.Options{}); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("followed by %d bytes", more)) {
			t.Errorf("with %d bytes more: %v", more, err)
		}
	}
}

// TestEveryFlippedBitIsFound flips each bit of a small snapshot, and one of every fifth byte of a larger one.
func TestEveryFlippedBitIsFound(t *testing.T) {
	flip := func(t *testing.T, data []byte, i, bit int) {
		t.Helper()
		data[i] ^= 1 << bit
		for _, options := range []rdb.Options{{}, {MarkFollows: true}} {
			if _, err := scan(data, options); err == nil {
				t.Fatalf("bit %d of byte %d can be flipped with %+v", bit, i, options)
			}
		}
		data[i] ^= 1 << bit
	}
	small := begin(version(10)).raw(0xfa).text("redis-ver", "7.0.15").raw(0xfe, 0).raw(0xfb, 2, 1).
		raw(0xfc, 1, 2, 3, 4, 5, 6, 7, 0).raw(0).text("key", "value").raw(4).text("hash").length(1).text("f", "v").end()
	for i := range 8 * len(small) {
		flip(t, small, i/8, i%8)
	}
	large := realSnapshot(t)
	for i := 0; i < len(large); i += 5 {
		flip(t, large, i, i%8)
	}
}

func TestTypesOfValues(t *testing.T) {
	id := make([]byte, 16)
	streamOf := func(facts, groupFacts []int, times int) func(*builder) {
		return func(b *builder) {
			b.length(1).text(string(id), "listpack").lengths(facts...)
			b.length(1).text("group").lengths(groupFacts...)
			b.length(2).zeros(24).length(1).zeros(24).length(2)                // what was delivered
			b.length(1).text("consumer").zeros(8 * times).length(1).raw(id...) // one consumer, and what it was given
		}
	}
	for name, test := range map[string]struct {
		kind  byte
		value func(*builder)
	}{
		"string":                          {0, func(b *builder) { b.text("value") }},
		"string of 8 bits":                {0, func(b *builder) { b.raw(0xc0, 1) }},
		"string of 16 bits":               {0, func(b *builder) { b.raw(0xc1, 1, 2) }},
		"string of 32 bits":               {0, func(b *builder) { b.raw(0xc2, 1, 2, 3, 4) }},
		"compressed string":               {0, func(b *builder) { b.raw(0xc3).lengths(3, 100).raw(1, 2, 3) }},
		"string with a length of 32 bits": {0, func(b *builder) { b.raw(0x80, 0, 0, 0, 2).raw(1, 2) }},
		"string with a length of 64 bits": {0, func(b *builder) { b.raw(0x81, 0, 0, 0, 0, 0, 0, 0, 2).raw(1, 2) }},
		"string of 70000 bytes":           {0, func(b *builder) { b.length(70000).zeros(70000) }},
		"list":                            {1, func(b *builder) { b.length(2).text("a", "b") }},
		"set":                             {2, func(b *builder) { b.length(2).text("a", "b") }},
		"sorted set of old":               {3, func(b *builder) { b.length(4).text("a", "1.5", "b").raw(253).text("c").raw(254).text("d").raw(255) }},
		"hash":                            {4, func(b *builder) { b.length(1).text("a", "b") }},
		"sorted set":                      {5, func(b *builder) { b.length(2).text("a").zeros(8).text("b").zeros(8) }},
		"module": {7, func(b *builder) {
			b.raw(0x81).zeros(8).raw(1, 5, 2, 6, 3, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 5).text("text").raw(0)
		}},
		"packed hash of Redis 2.4":           {9, func(b *builder) { b.text("zipmap") }},
		"packed list of Redis 2.6":           {10, func(b *builder) { b.text("ziplist") }},
		"set of numbers":                     {11, func(b *builder) { b.text("intset") }},
		"packed sorted set of Redis 2.6":     {12, func(b *builder) { b.text("ziplist") }},
		"packed hash of Redis 2.6":           {13, func(b *builder) { b.text("ziplist") }},
		"list of packed lists":               {14, func(b *builder) { b.length(2).text("ziplist", "ziplist") }},
		"stream of Redis 5":                  {15, streamOf([]int{1, 2, 3}, []int{1, 2}, 1)},
		"packed hash":                        {16, func(b *builder) { b.text("listpack") }},
		"packed sorted set":                  {17, func(b *builder) { b.text("listpack") }},
		"list of packed and plain":           {18, func(b *builder) { b.length(2).length(1).text("plain").length(2).text("listpack") }},
		"stream of Redis 7.0":                {19, streamOf([]int{1, 2, 3, 4, 5, 6, 7, 8}, []int{1, 2, 3}, 1)},
		"packed set":                         {20, func(b *builder) { b.text("listpack") }},
		"stream of Redis 7.2":                {21, streamOf([]int{1, 2, 3, 4, 5, 6, 7, 8}, []int{1, 2, 3}, 2)},
		"hash with fields that expire, rc":   {22, func(b *builder) { b.length(1).length(70).text("field", "value") }},
		"packed with fields that expire, rc": {23, func(b *builder) { b.text("listpack") }},
		"hash with fields that expire": {24, func(b *builder) {
			b.zeros(8).length(2).length(0).text("field", "value").length(70).text("field", "value")
		}},
		"packed, with fields that expire": {25, func(b *builder) { b.zeros(8).text("listpack") }},
	} {
		t.Run(name, func(t *testing.T) {
			b := begin(version(12)).raw(test.kind).text("key")
			start := b.Len()
			test.value(b)
			want := begin("").raw(test.kind).raw(b.Bytes()[start:]...).raw(12, 0).sum()
			b.raw(0).text("next", "value")
			var dumps [][]byte
			_, err := rdb.Scan(bytes.NewReader(b.end()), rdb.Options{Dumps: true, Key: func(key rdb.Key) error {
				dumps = append(dumps, bytes.Clone(key.Dump))
				return nil
			}})
			if err != nil {
				t.Fatal(err)
			}
			if len(dumps) != 2 || !bytes.Equal(dumps[0], want) {
				t.Errorf("got the dumps %q, want %q and one more", dumps, want)
			}
		})
	}
}

func TestBetweenKeys(t *testing.T) {
	data := begin(version(12)).
		raw(0xfa).text("redis-ver", "8.0.1").raw(0xfa).text("redis-bits").raw(0xc0, 64).
		raw(0xf7).lengths(5, 2, 1).raw(5).text("of a module").raw(0).
		raw(0xf5).text("#!lua name=x").
		raw(0xfe).length(2).raw(0xfb).lengths(3, 1).raw(0xf4).lengths(1, 2, 3).
		raw(0xfc, 1, 0, 0, 0, 0, 0, 0, 0).raw(0xf8).length(70).raw(0).text("a", "1").
		raw(0xfd, 1, 0, 0, 0).raw(0xf9, 7).raw(0).text("b", "2").
		raw(0).text("c", "3").end()
	var keys []rdb.Key
	found, err := rdb.Scan(bytes.NewReader(data), rdb.Options{Key: func(key rdb.Key) error {
		key.Name = bytes.Clone(key.Name)
		keys = append(keys, key)
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []rdb.Key{
		{Database: 2, Name: []byte("a"), Expires: 1, Idle: 70, Frequency: -1},
		{Database: 2, Name: []byte("b"), Expires: 1000, Idle: -1, Frequency: 7},
		{Database: 2, Name: []byte("c"), Idle: -1, Frequency: -1},
	}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if found.Server != "8.0.1" || !found.ModuleData {
		t.Errorf("got %+v", found)
	}
}

func TestDamage(t *testing.T) {
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                   {nil, "after 0 bytes"},
		"not a snapshot":          {[]byte("-- PostgreSQL database dump"), "no snapshot of Redis"},
		"no version":              {[]byte("REDISabcd........."), "no snapshot of Redis"},
		"version 0":               {begin(version(0)).end(), "no snapshot of Redis"},
		"unknown type":            {begin(version(12)).raw(26).text("k", "v").end(), "26 is no type of a value in version 12"},
		"type that is none":       {begin(version(9)).raw(8).text("k", "v").end(), "8 is no type"},
		"module from before":      {begin(version(8)).raw(6).text("k", "v").end(), "before Redis 4.0"},
		"functions from before":   {begin(version(10)).raw(0xf6).text("k", "v").end(), "before Redis 7.0"},
		"unknown encoding":        {begin(version(9)).raw(0).text("k").raw(0xc4).end(), "unknown encoding 4"},
		"length that is none":     {begin(version(9)).raw(0).text("k").raw(0x83).end(), "no length"},
		"encoding for a number":   {begin(version(9)).raw(1).text("k").raw(0xc0, 1).end(), "where a number should be"},
		"key without end":         {begin(version(9)).raw(0, 0x81, 0x7f, 255, 255, 255, 255, 255, 255, 255).end(), "a key has 9223372036854775807 bytes"},
		"value without end":       {begin(version(9)).raw(0).text("k").raw(0x81, 255, 255, 255, 255, 255, 255, 255, 255).end(), "ends in the middle"},
		"list without end":        {begin(version(9)).raw(1).text("k").raw(0x81, 255, 255, 255, 255, 255, 255, 255, 255).end(), "damaged"},
		"compressed key":          {begin(version(9)).raw(0, 0xc3).lengths(2, 5).raw(0x20, 0).text("v").end(), "compressed key"},
		"database without number": {begin(version(9)).raw(0xfe, 0x80, 255, 255, 255, 255).end(), "no database"},
		"part of a module":        {begin(version(9)).raw(7).text("k").raw(1, 9).end(), "nothing that a module writes"},
		"wrong checksum":          {append(begin(version(9)).raw(0xff).Bytes(), 1, 2, 3, 4, 5, 6, 7, 8), "its checksum says 0807060504030201"},
		"later, wrong checksum":   {append(begin(version(99)).raw(0xff).Bytes(), 1, 2, 3, 4, 5, 6, 7, 8), "its checksum says"},
		"later, cut":              {[]byte(version(99) + "\xff1234"), "after 14 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := scan(test.data, rdb.Options{}); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v does not say %q", err, test.want)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	mark := []byte(strings.Repeat("0123456789abcdef", 3)[:40])
	noSum := func(header string) []byte { return begin(header).raw(0xff).zeros(8).Bytes() }
	long := strings.Repeat("of things that nobody knows", 10_000)
	for name, test := range map[string]struct {
		data    []byte
		marked  bool
		want    rdb.Snapshot
		outside int
	}{
		"before checksums":         {data: begin(version(4)).raw(0).text("k", "v").raw(0xff).Bytes(), want: rdb.Snapshot{Version: 4, Understood: true}},
		"no checksum":              {data: noSum(version(9)), want: rdb.Snapshot{Version: 9, Understood: true}},
		"newest":                   {data: begin(version(12)).end(), want: rdb.Snapshot{Version: 12, Understood: true, Summed: true}},
		"later":                    {data: begin(version(13)).text(long).end(), want: rdb.Snapshot{Version: 13, Summed: true}},
		"of Valkey":                {data: begin("VALKEY080").text(long).end(), want: rdb.Snapshot{Version: 80, Valkey: true, Summed: true}},
		"later, no checksum":       {data: noSum(version(13)), want: rdb.Snapshot{Version: 13}},
		"marked":                   {data: append(begin(version(9)).end(), mark...), marked: true, outside: 40, want: rdb.Snapshot{Version: 9, Understood: true, Summed: true}},
		"mark could follow":        {data: begin(version(9)).end(), marked: true, want: rdb.Snapshot{Version: 9, Understood: true, Summed: true}},
		"later, marked":            {data: append(begin(version(13)).text(long).end(), mark...), marked: true, outside: 40, want: rdb.Snapshot{Version: 13, Summed: true}},
		"later, mark could":        {data: begin(version(13)).text(long).end(), marked: true, want: rdb.Snapshot{Version: 13, Summed: true}},
		"later, short, mark could": {data: begin(version(13)).end(), marked: true, want: rdb.Snapshot{Version: 13, Summed: true}},
		"later, no sum, marked":    {data: append(noSum(version(13)), mark...), marked: true, outside: 40, want: rdb.Snapshot{Version: 13}},
	} {
		t.Run(name, func(t *testing.T) {
			told, err := scan(test.data, rdb.Options{MarkFollows: test.marked})
			if err != nil {
				t.Fatal(err)
			}
			test.want.Size = int64(len(test.data) - test.outside)
			if told.Snapshot != test.want {
				t.Errorf("got %+v, want %+v", told.Snapshot, test.want)
			}
			if !bytes.Equal(told.output, test.data[:test.want.Size]) {
				t.Errorf("%d bytes came out, not %d", len(told.output), test.want.Size)
			}
		})
	}
}

func TestErrorsOfOthers(t *testing.T) {
	data := realSnapshot(t)
	broken := errors.New("broken")
	for name, options := range map[string]rdb.Options{
		"output":   {Output: writer(func() error { return broken })},
		"key":      {Key: func(rdb.Key) error { return broken }},
		"function": {Function: func([]byte) error { return broken }},
	} {
		if _, err := rdb.Scan(bytes.NewReader(data), options); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := rdb.Scan(io.MultiReader(bytes.NewReader(data[:500]), iotest.ErrReader(broken)), rdb.Options{}); !errors.Is(err, broken) {
		t.Errorf("source: %v", err)
	}
}

// writer is one that fails as a function says.
type writer func() error

func (w writer) Write(p []byte) (int, error) { return 0, w() }

func FuzzScan(f *testing.F) {
	f.Add(realSnapshot(f), false)
	f.Add(begin(version(12)).raw(0).text("k", "v").end(), true)
	f.Add(begin(version(12)).raw(0, 0xc3).lengths(5, 12).raw(0, 'a', 0xe0, 1, 0).text("v").end(), true)
	f.Add(begin("VALKEY080").text("x").end(), true)
	f.Add(begin(version(9)).raw(7).text("k").raw(1, 5).text("t").raw(0).end(), true)
	f.Fuzz(func(t *testing.T, data []byte, marked bool) {
		var output bytes.Buffer
		found, err := rdb.Scan(bytes.NewReader(data), rdb.Options{Output: &output, Dumps: true, MarkFollows: marked})
		if !bytes.HasPrefix(data, output.Bytes()) {
			t.Error("what comes out is not what came in")
		}
		if err == nil && (int64(output.Len()) != found.Size || len(data)-output.Len() > 40) {
			t.Errorf("%d of %d bytes came out, and it says %d", output.Len(), len(data), found.Size)
		}
	})
}
