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
	"md5":    digestFunction(md5.New),
	"sha1":   digestFunction(sha1.New),
	"sha256": digestFunction(sha256.New),
	"sha512": digestFunction(sha512.New),
}

// digestFunction is a hash in lower-case hexadecimal.
func digestFunction(make func() hash.Hash) function.Function {
	return textual(func(t ...string) (string, error) {
		digest := make()
		digest.Write([]byte(t[0]))
		return hex.EncodeToString(digest.Sum(nil)), nil
	}, "text")
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
