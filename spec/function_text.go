package spec

import (
	"crypto/md5"  //nolint:gosec // md5() is a function of the language; nothing is protected by it.
	"crypto/sha1" //nolint:gosec // As above.
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"hash"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// textFunctions are about texts.
var textFunctions = map[string]function.Function{
	"startswith":  truth(strings.HasPrefix, "text", "prefix"),
	"endswith":    truth(strings.HasSuffix, "text", "suffix"),
	"strcontains": truth(strings.Contains, "text", "part"),
	"urlencode":   textual(func(t ...string) (string, error) { return url.QueryEscape(t[0]), nil }, "text"),
	"basename":    textual(func(t ...string) (string, error) { return path.Base(t[0]), nil }, "path"),
	"dirname":     textual(func(t ...string) (string, error) { return path.Dir(t[0]), nil }, "path"),
	"base64encode": textual(func(t ...string) (string, error) {
		return base64.StdEncoding.EncodeToString([]byte(t[0])), nil
	}, "text"),
	"base64decode": textual(func(t ...string) (string, error) {
		data, err := base64.StdEncoding.DecodeString(t[0])
		if err != nil || !utf8.Valid(data) {
			return "", errors.New("this is not the base64 form of a text")
		}
		return string(data), nil
	}, "text"),
}

// digests are the functions that hash a text, and with "file" before their name a file: in lower-case hexadecimal or in base64.
var digests = map[string]func([]byte) string{
	"md5":          digest(md5.New, hex.EncodeToString),
	"sha1":         digest(sha1.New, hex.EncodeToString),
	"sha256":       digest(sha256.New, hex.EncodeToString),
	"sha512":       digest(sha512.New, hex.EncodeToString),
	"base64sha256": digest(sha256.New, base64.StdEncoding.EncodeToString),
	"base64sha512": digest(sha512.New, base64.StdEncoding.EncodeToString),
}

func digest(make func() hash.Hash, written func([]byte) string) func([]byte) string {
	return func(data []byte) string {
		sum := make()
		sum.Write(data)
		return written(sum.Sum(nil))
	}
}

// digestFunctions are the functions of digests, and filebase64, which is no hash but reads a file as they do.
func digestFunctions(files *fileReader) map[string]function.Function {
	ofFile := func(written func([]byte) string) function.Function {
		return textual(func(t ...string) (string, error) {
			data, err := files.data(t[0])
			if err != nil {
				return "", err
			}
			return written(data), nil
		}, "path")
	}
	all := map[string]function.Function{"filebase64": ofFile(base64.StdEncoding.EncodeToString)}
	for name, sum := range digests {
		all[name] = textual(func(t ...string) (string, error) { return sum([]byte(t[0])), nil }, "text")
		all["file"+name] = ofFile(sum)
	}
	return all
}

// replaceFunction replaces a text, or what a regular expression between slashes matches.
var replaceFunction = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "text", Type: cty.String}, {Name: "old", Type: cty.String}, {Name: "new", Type: cty.String}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		text, old, replacement := arguments[0].AsString(), arguments[1].AsString(), arguments[2].AsString()
		if len(old) > 1 && old[0] == '/' && old[len(old)-1] == '/' {
			pattern, err := regexp.Compile(old[1 : len(old)-1])
			if err != nil {
				return cty.NilVal, function.NewArgError(1, err)
			}
			return cty.StringVal(pattern.ReplaceAllString(text, replacement)), nil
		}
		return cty.StringVal(strings.ReplaceAll(text, old, replacement)), nil
	},
})

// absolute makes a path absolute: relative ones start at the folder of the specification.
func absolute(directory, name string) string {
	if filepath.IsAbs(name) {
		return filepath.Clean(name)
	}
	return filepath.Join(directory, name)
}
