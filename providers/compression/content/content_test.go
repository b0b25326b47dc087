package content

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// noise is n bytes without any order.
func noise(n int) []byte {
	data := make([]byte, n)
	random := rand.NewChaCha8([32]byte{3})
	if _, err := random.Read(data); err != nil {
		panic(err)
	}
	return data
}

// customDump is the header of a custom dump of a version, with what says how it is compressed.
func customDump(major, minor byte, compression ...byte) []byte {
	return append([]byte{'P', 'G', 'D', 'M', 'P', major, minor, 0, 4, 8, 1}, compression...)
}

func TestDetect(t *testing.T) {
	header := make([]byte, 512)
	copy(header, "etc/hosts")
	copy(header[257:], "ustar\x0000")
	cases := []struct {
		name, data string
		kind       Kind
		dense      bool
	}{
		{"nothing", "", Empty, false},
		{"one byte", "x", Text, false},
		{"zeros", strings.Repeat("\x00", 1<<17), Binary, false},
		{"PostgreSQL", "--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n", SQL, false},
		{"cluster", "--\n-- PostgreSQL database cluster dump\n--\n", SQL, false},
		{"restricted", "--\n-- PostgreSQL database dump\n--\n\n\\restrict x\n", SQL, false},
		{"MySQL", "-- MySQL dump 10.13\nDROP TABLE IF EXISTS `a`;\nCREATE TABLE `a` (\n  `id` int\n);\nINSERT INTO `a` VALUES (1);\n", SQL, false},
		{"custom, gzip by level", string(customDump(1, 14, 0, 6, 0, 0, 0)), Postgres, true},
		{"custom, default level", string(customDump(1, 13, 1, 1, 0, 0, 0)), Postgres, true},
		{"custom, level 0", string(customDump(1, 14, 0, 0, 0, 0, 0)), Postgres, false},
		{"custom, none", string(customDump(1, 15, 0)), Postgres, false},
		{"custom, lz4", string(customDump(1, 15, 2)), Postgres, true},
		{"custom, zstd", string(customDump(1, 16, 3)), Postgres, true},
		{"custom, from the future", string(customDump(1, 17, 9)), Postgres, false},
		{"custom, cut", "PGDMP\x01", Postgres, false},
		{"Redis", "REDIS0011\xfa\x09redis-ver\x057.2.4", Redis, false},
		{"Valkey", "VALKEY080\xfa", Redis, false},
		{"tar", string(header), Tar, false},
		{"JSON", "{\n  \"name\": \"a\",\n  \"list\": [1, 2],\n  \"more\": {\n    \"x\": null\n  }\n}\n", JSON, false},
		{"JSON in one line", `[{"id":1,"name":"a"},{"id":2}]`, JSON, false},
		{"JSON lines", "{\"id\":1,\"v\":\"a\"}\n{\"id\":2,\"v\":\"b\"}\n{\"id\":3,\"v\":\"c\"}\n", JSON, false},
		{"CSV", "id,name,price\n1,\"a, b\",3.50\n2,c,4\n3,d,5\n", CSV, false},
		{"TSV", "id\tname\n1\ta\n2\tb\n", CSV, false},
		{"container log", "{\"log\":\"started\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-22T02:00:00Z\"}\n", Log, false},
		{"application log", "2026-11-22 02:00:00,123 INFO  app: started\n2026-11-22 02:00:01,001 ERROR app: failed\n  File \"a.py\", line 1\n", Log, false},
		{"syslog", "Nov 22 02:00:00 vm sshd[1]: ok\nNov 22 02:00:01 vm cron[2]: ran\n", Log, false},
		{"access log", "10.0.0.1 - - [22/Nov/2026:02:00:00 +0000] \"GET / HTTP/1.1\" 200 12\n", Log, false},
		{"logfmt", "time=2026-11-22T02:00:00Z level=info msg=ok\ntime=2026-11-22T02:00:01Z level=info msg=ok\n", Log, false},
		{"Python", "import os\n\ndef main():\n    for a in range(3):\n        print(a)\n    return 1\n\nclass A:\n    x = 1\n", Code, false},
		{"Go", "package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Println(1)\n}\n", Code, false},
		{"script", "#!/bin/sh\nset -e\necho hello there\n", Code, false},
		{"HTML", "<!doctype html>\n<html>\n<body>\n<p>one</p>\n</body>\n</html>\n", Code, false},
		{"YAML", "services:\n  db:\n    image: postgres:17\n    ports:\n      - \"5432\"\n", Code, false},
		{"prose", "Dear reader,\nthis is a letter that says nothing at all\nand goes on for some lines\nuntil it is over.\n", Text, false},
		{"gzip", "\x1f\x8b\x08\x00\x00", Gzip, true},
		{"zstd", "\x28\xb5\x2f\xfd\x04", Zstd, true},
		{"zstd behind a skippable frame", "\x50\x2a\x4d\x18\x04\x00\x00\x00abcd\x28\xb5\x2f\xfd", Zstd, true},
		{"xz", "\xfd7zXZ\x00\x00\x04", XZ, true},
		{"bzip2", "BZh9\x31\x41\x59\x26\x53\x59", Bzip2, true},
		{"bzip2 of nothing", "BZh9\x17\x72\x45\x38\x50\x90", Bzip2, true},
		{"text that begins like bzip2", "BZh9 is a word like any other\n", Text, false},
		{"zip", "PK\x03\x04\x14\x00", Zip, true},
		{"PNG", "\x89PNG\r\n\x1a\n\x00", Image, true},
		{"JPEG", "\xff\xd8\xff\xe0\x00\x10JFIF", Image, true},
		{"GIF", "GIF89a\x01", Image, true},
		{"WebP", "RIFF\x10\x00\x00\x00WEBPVP8 ", Image, true},
		{"AVI", "RIFF\x10\x00\x00\x00AVI LIST", Video, true},
		{"WAV", "RIFF\x10\x00\x00\x00WAVEfmt ", Audio, false},
		{"AVIF", "\x00\x00\x00\x1cftypavif\x00", Image, true},
		{"MP4", "\x00\x00\x00\x18ftypmp42\x00", Video, true},
		{"WebM", "\x1a\x45\xdf\xa3\x01\x00", Video, true},
		{"ELF", "\x7fELF\x02\x01\x01\x00", ELF, false},
		{"age", "age-encryption.org/v1\n-> X25519 abc\n", Encrypted, true},
		{"age as text", "-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", Encrypted, true},
		{"openssl", "Salted__\x01\x02\x03\x04", Encrypted, true},
		{"OpenPGP", "\x85\x01\x0c\x03" + string(noise(4096)), Encrypted, true},
		{"what begins like OpenPGP", "\x85\x01\x0c\x03" + strings.Repeat("\x00\x01", 4096), Binary, false},
		{"noise", string(noise(1 << 17)), Encrypted, true},
		{"a little noise", string(noise(1 << 10)), Binary, false},
		{"Latin-1", "name;stra\xdfe\nb;weg\xfc\n" + strings.Repeat("abc;def\n", 100), CSV, false},
	}
	for _, c := range cases {
		found := Detect([]byte(c.data))
		if found.Kind != c.kind || found.Dense != c.dense {
			t.Errorf("%s: %s, dense %v (%s), want %s, %v", c.name, found.Kind, found.Dense, found.Detail, c.kind, c.dense)
		}
		if found.Detail == "" {
			t.Errorf("%s: nothing is said of it", c.name)
		}
	}
}

// TestSamplesDecide: a beginning without order is not all of the data.
func TestSamplesDecide(t *testing.T) {
	head := noise(1 << 16)
	if found := Detect(head, head, make([]byte, 1<<20)); found.Dense {
		t.Errorf("dense, although most of it is zeros: %+v", found)
	}
	if found := Detect(head, head, noise(1<<20)); !found.Dense {
		t.Errorf("not dense: %+v", found)
	}
}

func TestEntropy(t *testing.T) {
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, c := range map[string]struct {
		samples [][]byte
		want    float64
	}{
		"nothing":        {nil, 0},
		"one value":      {[][]byte{bytes.Repeat([]byte{7}, 100)}, 0},
		"two values":     {[][]byte{[]byte("aaaa"), []byte("bbbb")}, 1},
		"all values":     {[][]byte{every}, 8},
		"three quarters": {[][]byte{[]byte("aaab")}, 0.8112781244591328},
	} {
		if got := Entropy(c.samples...); got-c.want > 1e-9 || c.want-got > 1e-9 {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// TestToolsAreRecognised holds the detection against what the real tools write.
func TestToolsAreRecognised(t *testing.T) {
	input := strings.Repeat("some text that is compressed\n", 1000)
	for _, c := range []struct {
		command []string
		kind    Kind
	}{
		{[]string{"gzip", "-c"}, Gzip}, {[]string{"bzip2", "-c"}, Bzip2}, {[]string{"xz", "-c"}, XZ}, {[]string{"zstd", "-c"}, Zstd},
		{[]string{"openssl", "enc", "-aes-256-ctr", "-pbkdf2", "-k", "x"}, Encrypted}, {[]string{"tar", "-cf", "-", "."}, Tar},
	} {
		if _, err := exec.LookPath(c.command[0]); err != nil {
			t.Logf("%s is not installed", c.command[0])
			continue
		}
		run := exec.Command(c.command[0], c.command[1:]...)
		run.Stdin, run.Dir = strings.NewReader(input), t.TempDir()
		output, err := run.Output()
		if err != nil {
			t.Errorf("%v: %v", c.command, err)
			continue
		}
		if found := Detect(output); found.Kind != c.kind {
			t.Errorf("%v: %s (%s), want %s", c.command, found.Kind, found.Detail, c.kind)
		}
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err == nil && Detect(program).Kind != ELF {
		t.Errorf("this program: %+v", Detect(program))
	}
}

// FuzzDetect: whatever comes has one answer, always the same, and of a known kind.
func FuzzDetect(f *testing.F) {
	for _, s := range signatures() {
		f.Add(append(make([]byte, s.offset), s.magic...))
	}
	f.Add(customDump(1, 14, 0, 6))
	f.Add([]byte("a,b\n1,2\n"))
	f.Add([]byte("{\"log\":\"x\"}\n"))
	f.Add([]byte("--\n-- PostgreSQL database dump\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		before := bytes.Clone(data)
		found := Detect(data)
		if !slices.Contains(Kinds(), found.Kind) || found.Detail == "" || found.Entropy < 0 || found.Entropy > 8 {
			t.Errorf("%+v", found)
		}
		if found != Detect(data) || !bytes.Equal(before, data) {
			t.Error("asked twice, it answers differently, or the data was changed")
		}
	})
}
