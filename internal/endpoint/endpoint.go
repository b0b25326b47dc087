// Package endpoint is what destinations on servers have in common, whatever the server: the rules for its address and for the
// names in it, what connections that break look like, and how to repeat what it says.
package endpoint

import (
	"fmt"
	"net"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Check says in sentences what is wrong with the address of a server, or nothing. otherwise says where to put what does not belong
// into an address; it may be empty. An address is not repeated where it could hold a secret.
func Check(address, otherwise string) string {
	parsed, err := url.Parse(address)
	switch {
	case err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http":
		return "The endpoint is not an address of a server. Write it as https://storage.example.org."
	case parsed.User != nil || parsed.RawQuery != "" || parsed.Fragment != "":
		return "The endpoint has a user, a query or a fragment. Write it as https://storage.example.org" + otherwise + "."
	case parsed.Scheme == "http" && !IsLoopback(parsed.Hostname()):
		return fmt.Sprintf("The endpoint %s is on another machine and without encryption: everybody on the way could read the copies. Let it begin with https://.", address)
	}
	return ""
}

// IsLoopback reports whether a host is this machine.
func IsLoopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}

// CheckPrefix says what is wrong with the prefix of names, or nothing: the end of a sentence. Every character of every language is
// welcome in it. It may have most of what size counts, which unit names.
func CheckPrefix(prefix string, most int, size func(string) int, unit string) string {
	if prefix == "" {
		return ""
	}
	if !utf8.ValidString(prefix) {
		return "is not valid UTF-8"
	}
	if strings.ContainsFunc(prefix, unicode.IsControl) {
		return "has a control character, such as a line break"
	}
	if size(prefix) > most {
		return fmt.Sprintf("is too long: it may have %d %s", most, unit)
	}
	for part := range strings.SplitSeq(prefix, "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Sprintf("has the part %q: it must be words separated by single slashes, with none at either end, such as backups/ims", part)
		}
	}
	return ""
}
