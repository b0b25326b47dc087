package spec

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// partTokens is about how many tokens are given to the parser at once. It collects the tokens of all that it is given before it
// begins, in a list that grows by copying, and for a large file as a whole that costs more than anything else. The list grows
// to 341 and then to 682, so that what the last block of a part adds mostly still has room.
const partTokens = 295

// part is a piece of a file and what became of it.
type part struct {
	text        []byte
	position    hcl.Pos
	body        *hclsyntax.Body
	diagnostics hcl.Diagnostics
}

// parseBlocks parses a file part by part, on all cores. The parts are cut between blocks, so that the result is that of the
// whole.
func parseBlocks(data []byte, name string) (*hcl.File, hcl.Diagnostics) {
	cuts, err := scanDepth(data)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot read the specification", Detail: sentence(err.Error())}}
	}
	position := hcl.InitialPos
	parts := make([]part, 0, len(cuts)+1)
	for _, end := range append(cuts, len(data)) {
		text := data[position.Byte:end]
		parts = append(parts, part{text: text, position: position})
		position = hcl.Pos{Line: position.Line + bytes.Count(text, []byte("\n")), Column: 1, Byte: end}
	}
	parseParts(parts, name)
	whole := &hclsyntax.Body{Attributes: make(hclsyntax.Attributes)}
	for _, part := range parts {
		if part.diagnostics.HasErrors() {
			return nil, firstOf(part.diagnostics)
		}
		for name, attribute := range part.body.Attributes {
			whole.Attributes[name] = attribute
		}
		whole.Blocks = append(whole.Blocks, part.body.Blocks...)
	}
	whole.SrcRange = hcl.Range{Filename: name, Start: hcl.InitialPos, End: position}
	whole.EndRange = hcl.Range{Filename: name, Start: position, End: position}
	return &hcl.File{Body: whole, Bytes: data}, nil
}

// parseParts parses each part, several at a time.
func parseParts(parts []part, name string) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(parts)) {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(parts)); i = next.Add(1) - 1 {
				file, diagnostics := hclsyntax.ParseConfig(parts[i].text, name, parts[i].position)
				parts[i].body, parts[i].diagnostics = file.Body.(*hclsyntax.Body), diagnostics
			}
		})
	}
	workers.Wait()
}

// firstOf keeps the first error of a syntax: those behind it are mostly its consequences.
func firstOf(list hcl.Diagnostics) hcl.Diagnostics {
	for _, diagnostic := range list {
		if diagnostic.Severity == hcl.DiagError {
			return hcl.Diagnostics{diagnostic}
		}
	}
	return list
}
