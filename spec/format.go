package spec

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
)

// Format returns a specification's text in the canonical format. Text with a syntax error is returned as it is, with
// the error.
func Format(text []byte, name string) ([]byte, hcl.Diagnostics) {
	if err := checkText(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))); err != nil {
		return text, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot read the specification", Detail: fmt.Sprintf("%s: %v.", name, err)}}
	}
	if _, diagnostics := hclsyntax.ParseConfig(text, name, hcl.InitialPos); diagnostics.HasErrors() {
		return text, firstOf(diagnostics)
	}
	return hclwrite.Format(text), nil
}
