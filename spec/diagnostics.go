package spec

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/hashicorp/hcl/v2"
)

// Diagnostics are what is wrong with a specification, and the files to show it in.
type Diagnostics struct {
	// List is ordered by file and place.
	List hcl.Diagnostics
	// Files by name, for the source lines.
	Files map[string]*hcl.File
}

// HasErrors reports whether any of them is an error.
func (d Diagnostics) HasErrors() bool { return d.List.HasErrors() }

// sorted puts diagnostics into the order of their places, those without a place first.
func sorted(list hcl.Diagnostics) hcl.Diagnostics {
	slices.SortFunc(list, func(a, b *hcl.Diagnostic) int {
		return cmp.Or(comparePlaces(a.Subject, b.Subject), cmp.Compare(a.Summary, b.Summary), cmp.Compare(a.Detail, b.Detail))
	})
	return list
}

func comparePlaces(a, b *hcl.Range) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	return cmp.Or(cmp.Compare(a.Filename, b.Filename), cmp.Compare(a.Start.Byte, b.Start.Byte))
}

// hide returns a copy of a file whose text in some ranges is made unreadable, every byte where it was.
func hide(file *hcl.File, ranges []hcl.Range) *hcl.File {
	data := bytes.Clone(file.Bytes)
	for _, at := range ranges {
		for i := at.Start.Byte; i < at.End.Byte && i < len(data); i++ {
			if data[i] != '\n' {
				data[i] = '*'
			}
		}
	}
	return &hcl.File{Body: file.Body, Bytes: data, Nav: file.Nav}
}

// mistake is an error at a place.
func mistake(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}
}

// warning is something that should be known at a place.
func warning(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagWarning, Summary: summary, Detail: detail, Subject: &at}
}
