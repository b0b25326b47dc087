package state

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// snapshot is a document as it is stored.
type snapshot struct {
	Document
	// Digest is the SHA-256 of the snapshot's own bytes with this value empty, in lower-case hexadecimal.
	Digest string `json:"digest"`
}

// versionWindow is how far into a snapshot its version is looked for. It is the first member.
const versionWindow = 4096

// Decode reads a snapshot and checks all of it. What is wrong with the bytes is a *DamageError or a *NewerError; any other
// error is the reader's.
func Decode(r io.Reader) (*Document, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	head, err := buffered.Peek(versionWindow)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(head) == 0 {
		return nil, damage("it is empty")
	}
	if version := leadingVersion(head, "version"); version > Version {
		return nil, &NewerError{Format: version, Supported: Version}
	}
	summed := newDigestReader(buffered)
	var stored snapshot
	err = json.UnmarshalRead(summed, &stored)
	if summed.failure != nil {
		return nil, summed.failure
	}
	if err != nil {
		return nil, explain(err)
	}
	if err := summed.check(); err != nil {
		return nil, err
	}
	document := &stored.Document
	if document.Version > Version {
		return nil, &NewerError{Format: document.Version, Supported: Version}
	}
	if err := document.check(); err != nil {
		return nil, &DamageError{Problem: err.Error()}
	}
	document.sort()
	return document, nil
}

// leadingVersion returns the number that a JSON document begins with under one of the names, or 0. It is looked at before
// anything else, because only the version has the same meaning in every format.
func leadingVersion(head []byte, names ...string) int {
	decoder := jsontext.NewDecoder(bytes.NewReader(head))
	var tokens [3]jsontext.Token
	for i, kind := range []jsontext.Kind{'{', '"', '0'} {
		token, err := decoder.ReadToken()
		if err != nil || token.Kind() != kind {
			return 0
		}
		tokens[i] = token.Clone()
	}
	if !slices.Contains(names, tokens[1].String()) {
		return 0
	}
	version, err := strconv.ParseInt(tokens[2].String(), 10, 32)
	if err != nil {
		return 0
	}
	return int(version)
}

// marshalOptions make the same bytes of the same value. Text from outside programs may be anything: what is not UTF-8 is
// replaced, because a message must not stand in the way of recording what happened.
func marshalOptions() json.Options {
	return json.JoinOptions(json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
}

// Encode returns the snapshot of a document: one JSON document with each artifact and each intent on a line of its own.
// It refuses what Decode would refuse.
func Encode(document *Document) ([]byte, error) {
	if err := document.check(); err != nil {
		return nil, fmt.Errorf("the state contradicts itself and is not written: %w", err)
	}
	const perArtifact = 1300
	data := bytes.NewBuffer(make([]byte, 0, 4096+perArtifact*len(document.Artifacts)))
	fmt.Fprintf(data, `{"version":%d,"lineage":%s,"serial":%d,"writer":%s,`+"\n", Version,
		quote(document.Lineage), document.Serial, quote(document.Writer))
	if err := writeLines(data, "artifacts", document.Artifacts); err != nil {
		return nil, err
	}
	if len(document.Drills) > 0 {
		if err := writeLines(data, "drills", document.Drills); err != nil {
			return nil, err
		}
	}
	if len(document.Releases) > 0 {
		if err := writeLines(data, "releases", document.Releases); err != nil {
			return nil, err
		}
	}
	if len(document.Checks) > 0 {
		if err := writeLines(data, "checks", document.Checks); err != nil {
			return nil, err
		}
	}
	if len(document.Cleanups) > 0 {
		if err := writeLines(data, "cleanups", document.Cleanups); err != nil {
			return nil, err
		}
	}
	if len(document.Setbacks) > 0 {
		if err := writeLines(data, "setbacks", document.Setbacks); err != nil {
			return nil, err
		}
	}
	if len(document.Intents) > 0 {
		if err := writeLines(data, "intents", document.Intents); err != nil {
			return nil, err
		}
	}
	if err := writeUnknown(data, document.Unknown); err != nil {
		return nil, err
	}
	return appendDigest(data.Bytes()), nil
}

// quote returns a JSON string.
func quote(text string) []byte {
	quoted, err := jsontext.AppendQuote(nil, text)
	if err != nil {
		// The only error is text that is not UTF-8, and what is returned then has replacement characters for it.
		return quoted
	}
	return quoted
}

// writeLines writes a member whose value is an array, one element on a line.
func writeLines[T any](data *bytes.Buffer, name string, elements []*T) error {
	options := marshalOptions()
	fmt.Fprintf(data, "%q:[", name)
	separator := "\n"
	for _, element := range elements {
		data.WriteString(separator)
		separator = ",\n"
		if err := json.MarshalWrite(data, element, options); err != nil {
			return fmt.Errorf("encoding the %s of the state: %w", name, err)
		}
	}
	data.WriteString("\n],\n")
	return nil
}

// writeUnknown writes the members of the document that this version does not know.
func writeUnknown(data *bytes.Buffer, unknown jsontext.Value) error {
	if len(unknown) == 0 {
		return nil
	}
	members := unknown.Clone()
	if err := members.Compact(); err != nil || members.Kind() != '{' {
		return errors.New("encoding the state: what is kept of its unknown fields is not an object")
	}
	if inner := members[1 : len(members)-1]; len(inner) > 0 {
		data.Write(inner)
		data.WriteString(",\n")
	}
	return nil
}
