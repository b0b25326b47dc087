package report

import (
	"bytes"
	"testing"
)

func TestSameDocumentSameBytes(t *testing.T) {
	one, err := Render(demo(61))
	if err != nil {
		t.Fatal(err)
	}
	other, err := Render(demo(61))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, other) {
		t.Error("the same document gave two pages")
	}
}
