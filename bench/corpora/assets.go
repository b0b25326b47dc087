package corpora

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"strings"
)

// writeAssets writes the files of a site. A picture follows whenever the texts have become as much as the pictures.
func writeAssets(w io.Writer, size int64) error {
	d := newDice(4)
	texts, pictures := 0, 0
	return writeTar(w, size, func(i int) (string, []byte) {
		if pictures < texts {
			name, data := picture(d, asset(d), i)
			pictures += len(data)
			return name, data
		}
		name, data := words(d, asset(d), i)
		texts += len(data)
		return name, data
	})
}

// writeTexts writes what can be compressed of a site, writePictures the rest.
func writeTexts(w io.Writer, size int64) error {
	d := newDice(4)
	return writeTar(w, size, func(i int) (string, []byte) { return words(d, asset(d), i) })
}

func writePictures(w io.Writer, size int64) error {
	d := newDice(4)
	return writeTar(w, size, func(i int) (string, []byte) { return picture(d, asset(d), i) })
}

// asset is the name of a file without its ending.
func asset(d *dice) string { return fmt.Sprintf("%s-%s", d.word(), d.hex(8)) }

// words are a script, a style sheet or a page.
func words(d *dice, name string, i int) (string, []byte) {
	switch i % 3 {
	case 0:
		return "static/" + name + ".js", []byte(script(d))
	case 1:
		return "static/" + name + ".css", []byte(style(d))
	}
	return "static/" + name + ".html", []byte(page(d))
}

// picture is a PNG, a JPEG or a font, which is compressed inside (woff2: bytes without order).
func picture(d *dice, name string, i int) (string, []byte) {
	var out bytes.Buffer
	switch i % 3 {
	case 0:
		// Encoding into memory cannot fail.
		_ = png.Encode(&out, scene(d, 160+d.IntN(160), 8))
		return "static/" + name + ".png", out.Bytes()
	case 1:
		_ = jpeg.Encode(&out, scene(d, 320+d.IntN(320), 24), &jpeg.Options{Quality: 80})
		return "static/" + name + ".jpg", out.Bytes()
	}
	font := append([]byte("wOF2\x00\x01\x00\x00"), make([]byte, 12_000+d.IntN(20_000))...)
	for j := 8; j < len(font); j++ {
		font[j] = byte(d.IntN(256))
	}
	return "static/" + name + ".woff2", font
}

// scene is a picture of gradients with some noise, as photographs have.
func scene(d *dice, width, noise int) image.Image {
	picture := image.NewRGBA(image.Rect(0, 0, width, width*3/4))
	a, b, c := d.Float64()*9, d.Float64()*9, d.Float64()*9
	for y := range width * 3 / 4 {
		for x := range width {
			u, v := float64(x)/float64(width), float64(y)/float64(width)
			value := func(f float64) uint8 {
				return uint8(min(255, max(0, 128+90*math.Sin(f*u+b*v)+float64(d.IntN(noise)))))
			}
			picture.SetRGBA(x, y, color.RGBA{value(a), value(b), value(c), 255})
		}
	}
	return picture
}

// script is a program as minifiers leave it.
func script(d *dice) string {
	var b strings.Builder
	for range 60 + d.IntN(200) {
		f, x, y := d.word(), d.word()[:1], d.word()
		fmt.Fprintf(&b, `function %s(%s,t){if(!%s||t.%s>%d)return null;const n=%s.%s(e=>e.%s===%q);return t.%s("%s",{%s:n.length,%s:%d})}`,
			f, x, x, y, d.IntN(999), x, pick(d, "filter", "map", "find", "reduce"), d.word(), d.word(), pick(d, "emit", "dispatch", "set"), d.word(), d.word(), d.word(), d.IntN(99))
	}
	return b.String()
}

// style is a style sheet.
func style(d *dice) string {
	var b strings.Builder
	for range 80 + d.IntN(200) {
		fmt.Fprintf(&b, ".%s-%s{color:#%s;margin:%dpx %dpx;%s:%d.%drem;%s:%s}\n", d.word(), d.word(), d.hex(6), d.IntN(40), d.IntN(40),
			pick(d, "font-size", "line-height", "border-radius"), d.IntN(4), d.IntN(100), pick(d, "display", "position", "overflow"), pick(d, "flex", "grid", "absolute", "hidden"))
	}
	return b.String()
}

// page is a page of text.
func page(d *dice) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html>\n<html lang=\"en\">\n<head><title>%s</title><link rel=\"stylesheet\" href=\"/static/%s-%s.css\"></head>\n<body>\n", d.text(4), d.word(), d.hex(8))
	for range 10 + d.IntN(40) {
		fmt.Fprintf(&b, "<section id=%q>\n  <h2>%s</h2>\n  <p>%s</p>\n</section>\n", d.word(), d.text(3), d.text(30+d.IntN(60)))
	}
	b.WriteString("</body>\n</html>\n")
	return b.String()
}
