package spec

import (
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

// sorted puts diagnostics into the order of their places.
func sorted(list hcl.Diagnostics) hcl.Diagnostics {
	slices.SortStableFunc(list, func(a, b *hcl.Diagnostic) int {
		if a.Subject == nil || b.Subject == nil {
			return cmp.Compare(boolean(a.Subject != nil), boolean(b.Subject != nil))
		}
		return cmp.Or(cmp.Compare(a.Subject.Filename, b.Subject.Filename), cmp.Compare(a.Subject.Start.Byte, b.Subject.Start.Byte))
	})
	return list
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// mistake is an error at a place.
func mistake(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}
}
