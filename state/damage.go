package state

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// DamageError says that stored bytes are not what was written. A backend adds where they lie and what to do.
type DamageError struct {
	// Problem is what was found, with its place: "the line of serial 7 was altered".
	Problem string
}

// Error implements error.
func (e *DamageError) Error() string { return e.Problem }

// damage makes a DamageError.
func damage(format string, arguments ...any) error {
	return &DamageError{Problem: fmt.Sprintf(format, arguments...)}
}

// NewerError says that stored bytes have a format that this program is too old for.
type NewerError struct {
	// Format is the version found, Supported the newest that can be read.
	Format, Supported int
}

// Error implements error.
func (e *NewerError) Error() string {
	return fmt.Sprintf("written by a newer imsctl (format %d, this one reads %d): upgrade imsctl", e.Format, e.Supported)
}

// explain turns an error of the JSON decoder into a DamageError that names the place.
func explain(err error) error {
	var syntax *jsontext.SyntacticError
	var meaning *json.SemanticError
	switch {
	case errors.Is(err, io.EOF) && !errors.As(err, &syntax) && !errors.As(err, &meaning):
		return damage("it is empty")
	case errors.As(err, &syntax):
		place := at(syntax.ByteOffset, syntax.JSONPointer)
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return damage("it ends in the middle, at %s", place)
		}
		return damage("it is not valid JSON at %s: %v", place, syntax.Err)
	case errors.As(err, &meaning):
		place := at(meaning.ByteOffset, meaning.JSONPointer)
		if meaning.Err != nil {
			return damage("a value does not fit at %s: %v", place, meaning.Err)
		}
		return damage("a value does not fit at %s", place)
	default:
		return damage("it cannot be decoded: %v", err)
	}
}

// at names a place in a document.
func at(offset int64, pointer jsontext.Pointer) string {
	if pointer == "" {
		return fmt.Sprintf("byte %d", offset)
	}
	return fmt.Sprintf("byte %d (%s)", offset, pointer)
}
