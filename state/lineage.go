package state

import (
	"crypto/rand"
	"fmt"
	"io"
)

// NewLineage chooses the lineage of a new state: a random UUID.
func NewLineage() (string, error) {
	id := make([]byte, 16)
	if _, err := io.ReadFull(rand.Reader, id); err != nil {
		return "", fmt.Errorf("choosing the lineage of a new state: %w", err)
	}
	// Version 4, variant 1 of RFC 9562.
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:]), nil
}
