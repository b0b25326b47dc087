package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"unicode/utf8"
)

func TestCheck(t *testing.T) {
	for address, wrong := range map[string]string{
		"https://storage.example.org":      "",
		"https://storage.example.org/path": "",
		"http://localhost:4443":            "",
		"http://127.0.0.1:10000/account":   "",
		"http://[::1]:80":                  "",
		"http://storage.example.org":       "without encryption",
		"http://192.168.1.5:9000":          "without encryption",
		"storage.example.org":              "not an address",
		"ftp://storage.example.org":        "not an address",
		"https://":                         "not an address",
		"":                                 "not an address",
		"https://a:b@storage.example.org":  "elsewhere.",
		"https://storage.example.org?a=b":  "elsewhere.",
		"https://storage.example.org#a":    "elsewhere.",
		"http://localhost.example.org":     "without encryption",
	} {
		if got := Check(address, ", and the rest elsewhere"); (got == "") != (wrong == "") || !strings.Contains(got, wrong) {
			t.Errorf("%s: %q, want %q", address, got, wrong)
		}
	}
}

func TestCheckPrefix(t *testing.T) {
	size := func(text string) int { return len(text) }
	for prefix, wrong := range map[string]string{
		"": "", "ims": "", "backups/ims eu": "", "Sicherungen/Zürich": "", strings.Repeat("a", 20): "", strings.Repeat("a", 21): "it may have 20 bytes",
		"/a": `the part ""`, "a//b": `the part ""`, "a/": `the part ""`, "a/../b": `the part ".."`, ".": `the part "."`, "a\nb": "control character", "a\xff": "UTF-8",
	} {
		if got := CheckPrefix(prefix, 20, size, "bytes"); (got == "") != (wrong == "") || !strings.Contains(got, wrong) {
			t.Errorf("%q: %q, want %q", prefix, got, wrong)
		}
	}
	if got := CheckPrefix("äöü", 3, utf8.RuneCountInString, "characters"); got != "" {
		t.Errorf("three characters: %q", got)
	}
}

func TestQuote(t *testing.T) {
	if got := Quote("  two\n\tlines \r\n"); got != "two lines" {
		t.Errorf("%q", got)
	}
	got := Quote(strings.Repeat("é", 400))
	if !utf8.ValidString(got) || len(got) > longestMessage+len("…") || !strings.HasSuffix(got, "é…") {
		t.Errorf("%d bytes: %q", len(got), got)
	}
}

func TestIsBroken(t *testing.T) {
	stranger := &tls.CertificateVerificationError{Err: errors.New("unknown authority")}
	for _, test := range []struct {
		err    error
		broken bool
	}{
		{io.ErrUnexpectedEOF, true}, {fmt.Errorf("reading: %w", io.EOF), true}, {syscall.ECONNRESET, true}, {context.DeadlineExceeded, true},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, true}, {&url.Error{Op: "Get", Err: errors.New("EOF")}, true},
		{&url.Error{Op: "Get", Err: stranger}, false}, {errors.New("bad request"), false}, {nil, false}, {context.Canceled, false},
	} {
		if got := IsBroken(test.err); got != test.broken {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

func TestIsBusy(t *testing.T) {
	for status, busy := range map[int]bool{200: false, 403: false, 404: false, 408: true, 412: false, 429: true, 500: true, 503: true} {
		if IsBusy(status) != busy {
			t.Errorf("%d: %v", status, !busy)
		}
	}
}

func FuzzCheckPrefix(f *testing.F) {
	for _, seed := range []string{"a/b", "../a", "é", "a\x00", "/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, prefix string) {
		if CheckPrefix(prefix, 100, utf8.RuneCountInString, "characters") == "" && prefix != "" &&
			(strings.HasPrefix(prefix, "/") || strings.HasSuffix(prefix, "/") || strings.Contains("/"+prefix+"/", "/../") || !utf8.ValidString(prefix)) {
			t.Errorf("%q is taken", prefix)
		}
	})
}
