// Package corpora makes data to compress, of the kinds that are backed up: a dump of a database, configuration, code, logs of
// containers, static assets. It is the same for the same size. None of it is one line over and over: the words of texts
// come as often as they do in a language, and identifiers, addresses, hashes and times are as random as they are in life.
package corpora

import (
	"archive/tar"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// Corpus is one kind of data.
type Corpus struct {
	Name string
	// Extension is the file's; Description says in a sentence what it is made of.
	Extension, Description string
	// Promised is by how much this kind of data was once promised to become smaller; empty for a part.
	Promised string
	// Part is set for a part of another corpus.
	Part bool
	// Write writes about size bytes.
	Write func(w io.Writer, size int64) error
}

// All lists the corpora. code is a folder with real programs in it.
func All(code string) []Corpus {
	return []Corpus{
		{"database", ".sql", "a PostgreSQL dump of four tables: people, orders, events with jsonb, and stock, with uuids, hashes, prices and times", "89.7 %", false, writeDatabase},
		{"configuration", ".tar", "a tar of small files as on a hundred machines: compose, nginx, systemd, environment files with secrets, monitoring rules", "81.5 %", false, writeConfiguration},
		{"code", ".tar", "a tar of the Go standard library's sources", "70 %", false, func(w io.Writer, size int64) error { return writeCode(w, code, size) }},
		{"logs", ".log", "the json-file logs of a proxy, an application, a database and a worker, with addresses, request ids and stack traces", "90 %", false, writeLogs},
		{"assets", ".tar", "a tar of a site's files: pages, scripts and styles, and about half of the bytes PNG, JPEG and fonts", "44 %", false, writeAssets},
		{"assets: the texts", ".tar", "the pages, scripts and styles alone", "", true, writeTexts},
		{"assets: the pictures", ".tar", "the PNG, JPEG and fonts alone, which are compressed inside", "", true, writePictures},
	}
}

// dice are the random numbers of a corpus.
type dice struct {
	*rand.Rand
	words []string
	now   time.Time
}

func newDice(seed uint64) *dice {
	d := &dice{Rand: rand.New(rand.NewPCG(seed, 7)), now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	const vocabulary = 6000
	consonants, vowels := "bcdfghjklmnprstvwz", "aeiou"
	for range vocabulary {
		var b strings.Builder
		for range 1 + d.IntN(4) {
			b.WriteByte(consonants[d.IntN(len(consonants))])
			b.WriteByte(vowels[d.IntN(len(vowels))])
			if d.IntN(3) == 0 {
				b.WriteByte(consonants[d.IntN(len(consonants))])
			}
		}
		d.words = append(d.words, b.String())
	}
	return d
}

// word is one of the vocabulary, the first ones much more often than the last ones (Zipf's law).
func (d *dice) word() string {
	rank := math.Exp(d.Float64()*math.Log(float64(len(d.words)))) - 1
	return d.words[min(len(d.words)-1, int(rank))]
}

// text is n words.
func (d *dice) text(n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = d.word()
	}
	return strings.Join(words, " ")
}

// hex is n hexadecimal digits.
func (d *dice) hex(n int) string {
	const digits = "0123456789abcdef"
	text := make([]byte, n)
	for i := range text {
		text[i] = digits[d.IntN(16)]
	}
	return string(text)
}

// uuid is a random one (RFC 9562, version 4).
func (d *dice) uuid() string {
	return d.hex(8) + "-" + d.hex(4) + "-4" + d.hex(3) + "-" + string("89ab"[d.IntN(4)]) + d.hex(3) + "-" + d.hex(12)
}

// address is one of a few thousand clients.
func (d *dice) address() string {
	n := int(math.Exp(d.Float64() * math.Log(4000)))
	return fmt.Sprintf("10.%d.%d.%d", n%7, n*31%251, n*17%253)
}

// later moves the time on by up to the given span.
func (d *dice) later(span time.Duration) time.Time {
	d.now = d.now.Add(time.Duration(d.Int64N(int64(span))))
	return d.now
}

// counted counts what is written.
type counted struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// writeTar writes files until they make up size bytes.
func writeTar(w io.Writer, size int64, next func(i int) (name string, data []byte)) error {
	out := &counted{w: w}
	archive := tar.NewWriter(out)
	for i := 0; out.n < size; i++ {
		name, data := next(i)
		header := &tar.Header{Name: name, Mode: 0o644, Size: int64(len(data)), ModTime: time.Unix(1_790_000_000+int64(i)*977%5_000_000, 0)}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
		if _, err := archive.Write(data); err != nil {
			return err
		}
	}
	return archive.Close()
}
