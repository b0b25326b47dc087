package spec

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/internal/units"
)

const (
	extension              = ".hcl"
	variablesExtension     = ".vars.hcl"
	autoVariablesExtension = ".auto.vars.hcl"
	// maxFileSize is the size above which a file is no specification that anyone reviews, in bytes.
	maxFileSize = 16 << 20
)

// Files lists the *.hcl files of a path, sorted: the path itself when it is a file. Files and folders whose names begin with
// a dot are left out, as the temporary files of editors are.
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
		case name == path:
			return nil
		case entry.IsDir() && (!recursive || strings.HasPrefix(entry.Name(), ".")):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, extension) && !strings.HasPrefix(entry.Name(), "."):
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
	// whole is false when a file could not be read or parsed: anything in it may be referred to.
	whole bool
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
	s := &source{directory: absolute, path: absolute, whole: true, files: make(map[string]*hcl.File)}
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
		s.whole = false
		diagnostics = append(diagnostics, &hcl.Diagnostic{
			Severity: hcl.DiagError, Summary: "No specification",
			Detail: fmt.Sprintf("There is no *.hcl file in %s. Write one, let \"imsctl init\" write a first one, or name the folder or the file that has it.", named(path)),
		})
	}
	return s, diagnostics
}

// named is how a folder is called in a sentence.
func named(path string) string {
	if filepath.Clean(path) == "." {
		return "this folder"
	}
	return path
}

// unreadable says that a path cannot be read.
func unreadable(path string, err error) *hcl.Diagnostic {
	if errors.Is(err, fs.ErrNotExist) {
		return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "No specification", Detail: fmt.Sprintf("There is no file or folder %q.", path)}
	}
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
	if diagnostics.HasErrors() {
		s.whole = false
		return nil, diagnostics
	}
	file, found := parseBlocks(data, name)
	s.files[name] = file
	if found.HasErrors() {
		s.files[name] = &hcl.File{Bytes: data}
		s.whole = false
		return data, firstOf(found)
	}
	body := file.Body.(*hclsyntax.Body)
	for _, attribute := range byPlace(body.Attributes) {
		diagnostics = append(diagnostics, mistake(attribute.NameRange, "Unexpected attribute",
			fmt.Sprintf("%q stands outside of any block; everything in a specification is in a block, such as source, destination or backup.", attribute.Name)))
	}
	s.blocks = append(s.blocks, body.Blocks...)
	return data, diagnostics
}

// readText reads a file that can be parsed: not too large, UTF-8, no deeper than the parser can go.
func readText(name string) ([]byte, hcl.Diagnostics) {
	data, err := readFile(name)
	if err == nil {
		data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
		err = checkText(data)
	}
	if err != nil {
		return nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "Cannot read the specification", Detail: fmt.Sprintf("%s: %v.", name, err)}}
	}
	return data, nil
}

// readFile reads an ordinary file of at most maxFileSize. A pipe could keep imsctl waiting for ever.
func readFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		return nil, cause(err)
	case !info.Mode().IsRegular():
		return nil, errors.New("this is not an ordinary file")
	case info.Size() > maxFileSize:
		return nil, tooLarge(info.Size())
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, cause(err)
	}
	defer file.Close()
	// The buffer fits the file and the end of it, so that it need not grow.
	buffer := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err := buffer.ReadFrom(io.LimitReader(file, maxFileSize+1)); err != nil {
		return nil, cause(err)
	}
	if buffer.Len() > maxFileSize {
		return nil, tooLarge(int64(buffer.Len()))
	}
	return buffer.Bytes(), nil
}

func tooLarge(size int64) error {
	return fmt.Errorf("the file has %s; at most %s are read. Split it into several files of one folder", units.Bytes(size), units.Bytes(maxFileSize))
}

// checkText refuses what the parser cannot be given or would only misunderstand.
func checkText(data []byte) error {
	if !utf8.Valid(data) {
		return fmt.Errorf("line %d is not UTF-8 text. Save the file as UTF-8", firstInvalid(data))
	}
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' {
		return errors.New("the file looks like JSON. Specifications are written in HCL; begin with a block, such as source \"files\" \"docs\" { … }")
	}
	return checkDepth(data)
}

// firstInvalid is the first line that is not UTF-8, from 1.
func firstInvalid(data []byte) int {
	number := 1
	for line := range bytes.Lines(data) {
		if !utf8.Valid(line) {
			break
		}
		number++
	}
	return number
}
