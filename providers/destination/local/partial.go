package local

import (
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"strings"
)

// The name of a temporary file is ".NAME.RANDOM.partial": NAME the last part of the key, RANDOM 16 hexadecimal digits.
const (
	partialSuffix = ".partial"
	randomDigits  = 16
	// maxPart is how long a part of a key may be, so that its temporary name fits the 255 bytes of common file systems.
	maxPart = 255 - len(".") - len(".") - randomDigits - len(partialSuffix)
)

// partialName makes a temporary name for a file.
func partialName(random io.Reader, name string) (string, error) {
	var bytes [randomDigits / 2]byte
	if _, err := io.ReadFull(random, bytes[:]); err != nil {
		return "", fmt.Errorf("making a temporary name: %w", err)
	}
	return "." + name + "." + hex.EncodeToString(bytes[:]) + partialSuffix, nil
}

// partialOf returns the name a temporary file is for.
func partialOf(temporary string) (name string, ok bool) {
	rest, hasDot := strings.CutPrefix(temporary, ".")
	rest, hasSuffix := strings.CutSuffix(rest, partialSuffix)
	end := len(rest) - randomDigits - 1
	if !hasDot || !hasSuffix || end < 1 || rest[end] != '.' {
		return "", false
	}
	for _, digit := range []byte(rest[end+1:]) {
		if !strings.ContainsRune("0123456789abcdef", rune(digit)) {
			return "", false
		}
	}
	return rest[:end], true
}

// partialKey returns the key that a temporary file below a folder of keys is for.
func partialKey(folder, temporary string) (key string, ok bool) {
	name, ok := partialOf(temporary)
	if !ok {
		return "", false
	}
	key = path.Join(folder, name)
	return key, path.Base(key) == name && checkKey(key) == nil
}

// begin marks a temporary file as that of an upload in progress.
func (d *destination) begin(temporary string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.progress[temporary] = true
}

// end takes the mark of begin away.
func (d *destination) end(temporary string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.progress, temporary)
}

// inProgress reports whether a temporary file is that of an upload in progress.
func (d *destination) inProgress(temporary string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.progress[temporary]
}
