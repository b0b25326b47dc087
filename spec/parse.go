package spec

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// partSize is about how much text is given to the parser at once, in bytes. It collects the tokens of all that it is given
// before it begins, in a list that grows by copying, so that a large file as a whole costs more memory than need be.
const partSize = 4 << 10

// parseBlocks parses a file part by part. The parts are cut between blocks, so that the result is that of the whole.
func parseBlocks(data []byte, name string) (*hcl.File, hcl.Diagnostics) {
	cuts, err := scanDepth(data)
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot read the specification", Detail: sentence(err.Error())}}
	}
	whole := &hclsyntax.Body{Attributes: make(hclsyntax.Attributes)}
	position := hcl.InitialPos
	for _, end := range append(cuts, len(data)) {
		part := data[position.Byte:end]
		file, diagnostics := hclsyntax.ParseConfig(part, name, position)
		if diagnostics.HasErrors() {
			return nil, firstOf(diagnostics)
		}
		body := file.Body.(*hclsyntax.Body)
		for name, attribute := range body.Attributes {
			whole.Attributes[name] = attribute
		}
		whole.Blocks = append(whole.Blocks, body.Blocks...)
		position = hcl.Pos{Line: position.Line + bytes.Count(part, []byte("\n")), Column: 1, Byte: end}
	}
	whole.SrcRange = hcl.Range{Filename: name, Start: hcl.InitialPos, End: position}
	whole.EndRange = hcl.Range{Filename: name, Start: position, End: position}
	return &hcl.File{Body: whole, Bytes: data}, nil
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
