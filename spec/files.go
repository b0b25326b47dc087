package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

const (
	extension              = ".hcl"
	variablesExtension     = ".vars.hcl"
	autoVariablesExtension = ".auto.vars.hcl"
	// maxFileSize is the size above which a file is no specification that anyone reviews, in bytes.
	maxFileSize = 16 << 20
	// maxNesting bounds how deep brackets may go: the parser recurses into each.
	maxNesting = 500
)

// Files lists the *.hcl files of a path, sorted: the path itself when it is a file.
func Files(path string, recursive bool) ([]string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var files []string
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != path && (!recursive || strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, extension):
			files = append(files, name)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

// source is the text of a specification.
type source struct {
	directory string
	path      string
	digest    string
	files     map[string]*hcl.File
	blocks    []*hclsyntax.Block
	// autoVariables are the files that give variables without being asked for.
	autoVariables []string
}

// readSource finds and parses the files of a specification.
func readSource(path string) (*source, hcl.Diagnostics) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, hcl.Diagnostics{unreadable(path, err)}
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, hcl.Diagnostics{unreadable(path, err)}
	}
	s := &source{directory: absolute, path: absolute, files: make(map[string]*hcl.File)}
	if !info.IsDir() {
		s.directory = filepath.Dir(absolute)
	}
	names, err := Files(path, false)
	if err != nil {
		return nil, hcl.Diagnostics{unreadable(path, err)}
	}
	digest := sha256.New()
	var diagnostics hcl.Diagnostics
	count := 0
	for _, name := range names {
		if strings.HasSuffix(name, autoVariablesExtension) {
			s.autoVariables = append(s.autoVariables, name)
		}
		if strings.HasSuffix(name, variablesExtension) && info.IsDir() {
			continue
		}
		count++
		data, found := s.parse(name)
		diagnostics = append(diagnostics, found...)
		fmt.Fprintf(digest, "%s %d\n", filepath.Base(name), len(data))
		digest.Write(data)
	}
	s.digest = hex.EncodeToString(digest.Sum(nil))
	if count == 0 {
		diagnostics = append(diagnostics, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "No specification",
			Detail: fmt.Sprintf("There is no *.hcl file in %s. Write one, or name the folder or the file that has it.", path),
		})
	}
	return s, diagnostics
}

// unreadable says that a path cannot be read.
func unreadable(path string, err error) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Cannot read the specification", Detail: fmt.Sprintf("%s: %v.", path, cause(err))}
}

// cause leaves out the path that an error of the file system repeats.
func cause(err error) error {
	if failed := new(fs.PathError); errors.As(err, &failed) {
		return failed.Err
	}
	return err
}

// parse reads one file and keeps its blocks.
func (s *source) parse(name string) ([]byte, hcl.Diagnostics) {
	data, diagnostics := readText(name)
	if data == nil {
		return nil, diagnostics
	}
	file, found := hclsyntax.ParseConfig(data, name, hcl.InitialPos)
	s.files[name] = file
	if file == nil || found.HasErrors() {
		s.files[name] = &hcl.File{Bytes: data}
		return data, firstOf(found)
	}
	body := file.Body.(*hclsyntax.Body)
	for _, attribute := range body.Attributes {
		diagnostics = append(diagnostics, mistake(attribute.NameRange, "Unexpected attribute",
			fmt.Sprintf("%q stands outside of any block; everything in a specification is in a block, such as source, destination or backup.", attribute.Name)))
	}
	s.blocks = append(s.blocks, body.Blocks...)
	return data, diagnostics
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

// readText reads a file that can be parsed: not too large, UTF-8, no deeper than the parser can go.
func readText(name string) ([]byte, hcl.Diagnostics) {
	refuse := func(detail string) ([]byte, hcl.Diagnostics) {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot read the specification", Detail: name + ": " + detail}}
	}
	info, err := os.Stat(name)
	if err != nil {
		return refuse(cause(err).Error() + ".")
	}
	if info.Size() > maxFileSize {
		return refuse(fmt.Sprintf("the file has %d bytes; at most %d are read. Split it into several files of one folder.", info.Size(), maxFileSize))
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return refuse(cause(err).Error() + ".")
	}
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(data) {
		return refuse("the file is not UTF-8 text. Save it as UTF-8.")
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' {
		return refuse("the file looks like JSON. Specifications are written in HCL; begin with a block, such as source \"files\" \"docs\" { … }.")
	}
	if depth := nesting(data); depth > maxNesting {
		return refuse(fmt.Sprintf("brackets are nested %d deep; at most %d are read.", depth, maxNesting))
	}
	return data, nil
}

// nesting is how deep the brackets of a text go at most. Brackets in strings and comments count too: nobody writes that many.
func nesting(data []byte) int {
	depth, deepest := 0, 0
	for _, character := range data {
		switch character {
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth = max(0, depth-1)
		}
	}
	return deepest
}
