package spec

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// maxMatches is the most files that one pattern of fileset may find.
const maxMatches = 10_000

// fileReader reads files for functions and remembers what it read: a specification means another thing when they change.
type fileReader struct {
	directory string
	// read are the hashes of what was read, or of why it could not be, by path.
	read map[string][32]byte
}

func newFileReader(directory string) *fileReader {
	return &fileReader{directory: directory, read: make(map[string][32]byte)}
}

// text reads a file that is text.
func (r *fileReader) text(name string) (string, error) {
	data, err := r.data(name)
	if err == nil && !utf8.Valid(data) {
		err = fmt.Errorf("%s is not text in UTF-8", name)
	}
	return string(data), err
}

// data reads a file.
func (r *fileReader) data(name string) ([]byte, error) {
	name = absolute(r.directory, name)
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", name)
	}
	if err == nil && info.Size() > maxFileSize {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxFileSize)
	}
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	r.read[name] = sha256.Sum256(data)
	return data, nil
}

// digest adds what was read to the digest of the specification's own text.
func (r *fileReader) digest(own string) string {
	if len(r.read) == 0 {
		return own
	}
	hash := sha256.New()
	fmt.Fprintln(hash, own)
	for _, name := range slices.Sorted(maps.Keys(r.read)) {
		fmt.Fprintf(hash, "%q %x\n", name, r.read[name])
	}
	return fmt.Sprintf("%x", hash.Sum(nil))
}

// fileFunctions are about files. Relative paths start at the folder of the specification.
func fileFunctions(files *fileReader) map[string]function.Function {
	return map[string]function.Function{
		"file": textual(func(t ...string) (string, error) { return files.text(t[0]) }, "path"),
		"fileexists": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "path", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Bool),
			Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
				info, err := os.Stat(absolute(files.directory, arguments[0].AsString()))
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return cty.NilVal, function.NewArgError(0, err)
				}
				return cty.BoolVal(err == nil && info.Mode().IsRegular()), nil
			},
		}),
		"fileset": function.New(&function.Spec{
			Params: []function.Parameter{{Name: "folder", Type: cty.String}, {Name: "pattern", Type: cty.String}},
			Type:   function.StaticReturnType(cty.Set(cty.String)),
			Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
				return files.set(arguments[0].AsString(), arguments[1].AsString())
			},
		}),
		"abspath": textual(func(t ...string) (string, error) { return absolute(files.directory, t[0]), nil }, "path"),
		"pathexpand": textual(func(t ...string) (string, error) {
			if t[0] != "~" && !strings.HasPrefix(t[0], "~/") {
				return t[0], nil
			}
			home, err := os.UserHomeDir()
			return filepath.Join(home, t[0][1:]), err
		}, "path"),
	}
}

// set finds the files in a folder that match a pattern.
func (r *fileReader) set(folder, pattern string) (cty.Value, error) {
	root := os.DirFS(absolute(r.directory, folder))
	var found []cty.Value
	err := doublestar.GlobWalk(root, pattern, func(name string, entry fs.DirEntry) error {
		if len(found) == maxMatches {
			return fmt.Errorf("more than %d files match", maxMatches)
		}
		if entry.Type().IsRegular() {
			found = append(found, cty.StringVal(name))
		}
		return nil
	})
	if err != nil {
		return cty.NilVal, function.NewArgError(1, err)
	}
	if len(found) == 0 {
		return cty.SetValEmpty(cty.String), nil
	}
	return cty.SetVal(found), nil
}

// templateFunction is templatefile(PATH, VALUES): a file as a template.
func templateFunction(files *fileReader, callable map[string]function.Function) function.Function {
	return function.New(&function.Spec{
		Params: []function.Parameter{{Name: "path", Type: cty.String}, {Name: "values", Type: cty.DynamicPseudoType}},
		Type:   function.StaticReturnType(cty.DynamicPseudoType),
		Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
			values := arguments[1]
			if !values.Type().IsObjectType() && !values.Type().IsMapType() {
				return cty.NilVal, function.NewArgErrorf(1, "it must be a map or an object")
			}
			name := arguments[0].AsString()
			text, err := files.text(name)
			if err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			if err := checkDepth([]byte(text)); err != nil {
				return cty.NilVal, function.NewArgError(0, err)
			}
			template, diagnostics := hclsyntax.ParseTemplate([]byte(text), name, hcl.InitialPos)
			if diagnostics.HasErrors() {
				return cty.NilVal, function.NewArgErrorf(0, "%s", diagnostics.Error())
			}
			result, diagnostics := template.Value(&hcl.EvalContext{Variables: values.AsValueMap(), Functions: callable})
			if diagnostics.HasErrors() {
				return cty.NilVal, function.NewArgErrorf(0, "%s", diagnostics.Error())
			}
			return result, nil
		},
	})
}
