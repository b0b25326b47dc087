package main

import (
	"bytes"

	"github.com/hashicorp/hcl/v2"
)

// validation is the result of validate in JSON, with the members of Terraform's.
type validation struct {
	FormatVersion string              `json:"format_version"`
	Type          string              `json:"type"`
	Valid         bool                `json:"valid"`
	ErrorCount    int                 `json:"error_count"`
	WarningCount  int                 `json:"warning_count"`
	Diagnostics   []validationMessage `json:"diagnostics"`
}

// The severities of a message.
const (
	severityError   = "error"
	severityWarning = "warning"
)

// validationMessage is one mistake or warning.
type validationMessage struct {
	Severity string             `json:"severity"`
	Summary  string             `json:"summary"`
	Detail   string             `json:"detail"`
	Range    *validationRange   `json:"range,omitempty"`
	Snippet  *validationSnippet `json:"snippet,omitempty"`
}

// validationRange is where it is.
type validationRange struct {
	Filename string             `json:"filename"`
	Start    validationPosition `json:"start"`
	End      validationPosition `json:"end"`
}

// validationPosition counts lines and columns from 1, bytes from 0.
type validationPosition struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

// validationSnippet is the line where it begins, and what of it is meant, in bytes from the line's start.
type validationSnippet struct {
	Code      string `json:"code"`
	StartLine int    `json:"start_line"`
	Start     int    `json:"highlight_start_offset"`
	End       int    `json:"highlight_end_offset"`
}

// validationOf makes the document. Files are those with the secrets covered.
func validationOf(list hcl.Diagnostics, files map[string]*hcl.File) validation {
	result := validation{FormatVersion: "1.0", Type: "validation", Diagnostics: make([]validationMessage, 0, len(list))}
	for _, found := range list {
		message := validationMessage{Severity: severityError, Summary: found.Summary, Detail: found.Detail}
		if found.Severity == hcl.DiagWarning {
			message.Severity = severityWarning
			result.WarningCount++
		} else {
			result.ErrorCount++
		}
		if at := found.Subject; at != nil {
			message.Range = &validationRange{Filename: at.Filename, Start: validationPosition(at.Start), End: validationPosition(at.End)}
			if file := files[at.Filename]; file != nil {
				message.Snippet = snippetOf(file.Bytes, *at)
			}
		}
		result.Diagnostics = append(result.Diagnostics, message)
	}
	result.Valid = result.ErrorCount == 0
	return result
}

// snippetOf cuts the line out where a range begins.
func snippetOf(data []byte, at hcl.Range) *validationSnippet {
	if !at.CanSliceBytes(data) {
		return nil
	}
	start := bytes.LastIndexByte(data[:at.Start.Byte], '\n') + 1
	line, _, _ := bytes.Cut(data[start:], []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	from := min(at.Start.Byte-start, len(line))
	return &validationSnippet{
		Code: string(bytes.ToValidUTF8(line, []byte("\uFFFD"))), StartLine: at.Start.Line,
		Start: from, End: max(from, min(at.End.Byte-start, len(line))),
	}
}
