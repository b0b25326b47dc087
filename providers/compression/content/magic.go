package content

import (
	"bytes"
	"encoding/binary"
)

// signature is a beginning that names a format.
type signature struct {
	offset  int
	magic   string
	content Content
}

// signatures are the beginnings that need no closer look, from the formats' own specifications.
func signatures() []signature {
	dense := func(kind Kind, detail string) Content { return Content{Kind: kind, Detail: detail, Dense: true} }
	return []signature{
		{0, "\x1f\x8b\x08", dense(Gzip, "compressed with gzip")},
		{0, "\x28\xb5\x2f\xfd", dense(Zstd, "compressed with zstd")},
		{0, "\xfd7zXZ\x00", dense(XZ, "compressed with xz")},
		{0, "PK\x03\x04", dense(Zip, "a zip archive")},
		{0, "PK\x05\x06", dense(Zip, "a zip archive")},
		{0, "7z\xbc\xaf\x27\x1c", dense(Archive, "a 7z archive")},
		{0, "Rar!\x1a\x07", dense(Archive, "a rar archive")},
		{0, "\x04\x22\x4d\x18", dense(Archive, "compressed with lz4")},
		{0, "\x89PNG\r\n\x1a\n", dense(Image, "a PNG image")},
		{0, "\xff\xd8\xff", dense(Image, "a JPEG image")},
		{0, "GIF87a", dense(Image, "a GIF image")},
		{0, "GIF89a", dense(Image, "a GIF image")},
		{4, "ftypavif", dense(Image, "an AVIF image")},
		{4, "ftypheic", dense(Image, "a HEIC image")},
		{4, "ftypmif1", dense(Image, "a HEIF image")},
		{4, "ftyp", dense(Video, "an MP4 video")},
		{0, "\x1a\x45\xdf\xa3", dense(Video, "a Matroska or WebM video")},
		{0, "OggS", dense(Audio, "an Ogg stream")},
		{0, "ID3", dense(Audio, "an MP3 file")},
		{0, "fLaC", dense(Audio, "a FLAC file")},
		{0, "\x7fELF", Content{Kind: ELF, Detail: "a program or library (ELF)"}},
		{0, "age-encryption.org/v1\n", dense(Encrypted, "encrypted with age")},
		{0, "-----BEGIN AGE ENCRYPTED FILE-----", dense(Encrypted, "encrypted with age, as text")},
		{0, "-----BEGIN PGP MESSAGE-----", dense(Encrypted, "encrypted with OpenPGP, as text")},
		{0, "Salted__", dense(Encrypted, "encrypted with openssl")},
		{257, "ustar", Content{Kind: Tar, Detail: "a tar archive"}},
	}
}

// magic recognises what has a magic number.
func magic(head []byte, entropy float64) (Content, bool) {
	for _, s := range signatures() {
		if len(head) >= s.offset && bytes.HasPrefix(head[s.offset:], []byte(s.magic)) {
			return s.content, true
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("PGDMP")):
		return postgres(head), true
	case isRedis(head):
		return Content{Kind: Redis, Detail: "a Redis snapshot"}, true
	case isBzip2(head):
		return Content{Kind: Bzip2, Detail: "compressed with bzip2", Dense: true}, true
	case isSkippable(head):
		return Content{Kind: Zstd, Detail: "compressed with zstd", Dense: true}, true
	case isPGP(head) && entropy > 7:
		return Content{Kind: Encrypted, Detail: "encrypted with OpenPGP", Dense: true}, true
	case bytes.HasPrefix(head, []byte("RIFF")) && len(head) >= 12:
		return riff(head)
	}
	return Content{}, false
}

// postgres reads the header of a custom dump (pg_backup_archiver.c, ReadHead): five letters, three bytes of version, the
// sizes of an integer and of an offset, the format, then how it is compressed: an integer with a sign up to version 1.14,
// one byte from 1.15 on.
func postgres(head []byte) Content {
	const fixed = 11
	unknown := Content{Kind: Postgres, Detail: "a PostgreSQL custom dump"}
	if len(head) <= fixed {
		return unknown
	}
	major, minor, integer := head[5], head[6], int(head[8])
	if major > 1 || minor >= 15 {
		return custom([]string{"none", "gzip", "lz4", "zstd"}, int(head[fixed]))
	}
	rest := head[fixed+1:]
	if integer < 1 || integer > len(rest) {
		return unknown
	}
	level := 0
	for i, value := range rest[:integer] {
		if value != 0 && i < 4 {
			level = 1
		}
	}
	return custom([]string{"none", "gzip"}, level)
}

// custom says how a custom dump is compressed.
func custom(methods []string, i int) Content {
	switch {
	case i >= len(methods):
		return Content{Kind: Postgres, Detail: "a PostgreSQL custom dump"}
	case i == 0:
		return Content{Kind: Postgres, Detail: "a PostgreSQL custom dump, not compressed"}
	default:
		return Content{Kind: Postgres, Detail: "a PostgreSQL custom dump, compressed with " + methods[i], Dense: true}
	}
}

// isRedis reports whether a snapshot of Redis or Valkey begins here: a word and the version in four digits.
func isRedis(head []byte) bool {
	for _, word := range []string{"REDIS", "VALKEY"} {
		rest, found := bytes.CutPrefix(head, []byte(word))
		if digits := 9 - len(word); found && len(rest) >= digits && len(bytes.Trim(rest[:digits], "0123456789")) == 0 {
			return true
		}
	}
	return false
}

// isBzip2 reports whether a stream of bzip2 begins here: its level, and then a block or, when it is empty, the end.
func isBzip2(head []byte) bool {
	if len(head) < 10 || !bytes.HasPrefix(head, []byte("BZh")) || head[3] < '1' || head[3] > '9' {
		return false
	}
	return string(head[4:10]) == "\x31\x41\x59\x26\x53\x59" || string(head[4:10]) == "\x17\x72\x45\x38\x50\x90"
}

// isSkippable reports whether a skippable frame begins here (RFC 8878, 3.1.2), as pzstd writes before each frame.
func isSkippable(head []byte) bool {
	return len(head) >= 8 && binary.LittleEndian.Uint32(head)&^0xf == 0x184d2a50 && binary.LittleEndian.Uint32(head[4:]) <= 64
}

// isPGP reports whether the packet of an encrypted session key begins here (RFC 9580, 5.1 and 5.3). That is little to
// go by, so that whoever asks wants the rest to look encrypted too.
func isPGP(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	switch head[0] {
	case 0x84:
		return head[2] == 3
	case 0x85:
		return head[3] == 3
	case 0x8c:
		return head[2] == 4 || head[2] == 5
	case 0xc1:
		return head[2] == 3 || head[2] == 6 || head[3] == 3 || head[3] == 6
	case 0xc3:
		return head[2] >= 4 && head[2] <= 6
	}
	return false
}

// riff tells the formats of one container apart.
func riff(head []byte) (Content, bool) {
	switch string(head[8:12]) {
	case "WEBP":
		return Content{Kind: Image, Detail: "a WebP image", Dense: true}, true
	case "AVI ":
		return Content{Kind: Video, Detail: "an AVI video", Dense: true}, true
	case "WAVE":
		return Content{Kind: Audio, Detail: "a WAV file"}, true
	}
	return Content{}, false
}
