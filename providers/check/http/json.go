package http

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// parseJSON reads a body that is one JSON value. Numbers stay as they are written.
func parseJSON(body []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the value")
	}
	return document, nil
}

// valueAt follows a path of members and indexes, with dots between them, and returns what is there as text: a text as it is,
// everything else as JSON.
func valueAt(document any, path string) (string, error) {
	at := document
	for _, part := range strings.Split(path, ".") {
		switch value := at.(type) {
		case map[string]any:
			next, exists := value[part]
			if !exists {
				return "", fmt.Errorf("there is no member %q", part)
			}
			at = next
		case []any:
			index, err := strconv.Atoi(part)
			if err != nil || index < 0 || index >= len(value) {
				return "", fmt.Errorf("there is no element %q of the %d", part, len(value))
			}
			at = value[index]
		default:
			return "", fmt.Errorf("%q is looked for in what is neither an object nor a list", part)
		}
	}
	if text, ok := at.(string); ok {
		return text, nil
	}
	text, err := json.Marshal(at)
	return string(text), err
}
