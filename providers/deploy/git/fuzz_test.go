package git

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

const someHash = "0123456789abcdef0123456789abcdef01234567"

// bounds checks that a parser neither invents nor escapes.
func bounds(t *testing.T, input []byte, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if !strings.Contains(string(input), path) || strings.HasPrefix(path, "/") || strings.Contains("/"+path+"/", "/../") {
			t.Errorf("path %q from %q", path, input)
		}
	}
}

func FuzzChanges(f *testing.F) {
	f.Add([]byte(":100644 100755 " + someHash + " " + someHash + " M\x00a b\x00"))
	f.Add([]byte(":100644 100644 " + someHash + " " + someHash + " R086\x00old\x00new\x00:000000 120000 " + someHash + " " + someHash + " A\x00x/y\x00"))
	f.Add([]byte(":100644 000000 " + someHash + " " + someHash + " D\x00../x\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		changes, err := parseChanges(input)
		if err != nil {
			return
		}
		for _, change := range changes {
			bounds(t, input, change.Path)
			if change.Kind == "" || (change.Kind == Renamed) != (change.OldPath != "") {
				t.Errorf("%+v from %q", change, input)
			}
		}
	})
}

func FuzzStatus(f *testing.F) {
	f.Add([]byte("1 .M N... 100644 100644 100644 " + someHash + " " + someHash + " a b\x00? new\x00! ignored\x00# branch.oid x\x00"))
	f.Add([]byte("2 R. N... 100644 100644 100644 " + someHash + " " + someHash + " R100 new\x00old\x00"))
	f.Add([]byte("u UU N... 100644 100644 100644 100644 " + someHash + " " + someHash + " " + someHash + " a\x00? nested/\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		changes, err := parseStatus(input)
		if err != nil {
			return
		}
		for _, change := range changes {
			bounds(t, input, change.Path)
			if change.Kind == "" || (change.Kind == Renamed) != (change.OldPath != "") {
				t.Errorf("%+v from %q", change, input)
			}
		}
	})
}

func FuzzFiles(f *testing.F) {
	f.Add([]byte("100644 blob " + someHash + "      12\ta\tb\x00160000 commit " + someHash + "       -\tsub\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		files, err := parseFiles(input)
		if err != nil {
			return
		}
		for _, file := range files {
			bounds(t, input, file.Path)
			if !isHash(file.Hash) || file.Size < 0 {
				t.Errorf("%+v from %q", file, input)
			}
		}
	})
}

func FuzzCommits(f *testing.F) {
	f.Add([]byte(someHash + "\x00" + someHash + " " + someHash + "\x00Ana\x00a@b\x001700000000\x00feat: x\x00body\n\x00"))
	f.Add([]byte(someHash + "\x00\x00\x00\x00-1\x00\xff\x00\x00"))
	f.Fuzz(func(t *testing.T, input []byte) {
		commits, err := parseCommits(input)
		if err != nil {
			return
		}
		for _, commit := range commits {
			if _, err := commit.Time.MarshalJSON(); err != nil || !isHash(commit.Hash) || !utf8.ValidString(commit.Author+commit.Email+commit.Subject+commit.Body) {
				t.Errorf("%+v from %q: %v", commit, input, err)
			}
		}
	})
}

func FuzzReferences(f *testing.F) {
	f.Add([]byte(someHash + "\trefs/heads/main\n" + someHash + "\trefs/heads/é\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		references, err := parseReferences(input)
		if err != nil {
			return
		}
		for name, hash := range references {
			if name == "" || !isHash(hash) {
				t.Errorf("%q: %q from %q", name, hash, input)
			}
		}
	})
}

func FuzzPush(f *testing.F) {
	f.Add("To x\n!\ta:refs/heads/main\t[rejected] (fetch first)\nDone\n")
	f.Add("=\ta:b\t[up to date]\n")
	f.Fuzz(func(t *testing.T, input string) {
		if _, summary := parsePush(input); !strings.Contains(input, summary) {
			t.Errorf("%q from %q", summary, input)
		}
	})
}

// FuzzRemote holds that neither what git is given nor what people are shown has a password, and that neither is an option.
func FuzzRemote(f *testing.F) {
	for _, seed := range []string{
		"https://user:secret@example.com/x.git", "ssh://git:secret@example.com:22/x", "git@example.com:x.git", "/srv/x.git", "origin", "-x", "ext::sh", "file:///x",
		"https://token@h/", "http://[::1]:80/x?a=b#c", "ssh://-x@h/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseRemote(text)
		if err != nil {
			if strings.Contains(text, ":secret@") && strings.Contains(err.Error(), "secret") {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if strings.HasPrefix(r.argument, "-") || strings.ContainsAny(r.argument, "\x00\n") {
			t.Errorf("%q becomes %q", text, r.argument)
		}
		if !strings.Contains(text, "://") {
			return
		}
		for _, address := range []string{r.argument, r.shown} {
			parsed, err := url.Parse(address)
			if err != nil {
				t.Errorf("%q becomes %q: %v", text, address, err)
				continue
			}
			if _, has := parsed.User.Password(); has || strings.HasPrefix(parsed.Scheme, "http") && parsed.User != nil {
				t.Errorf("%q becomes %q", text, address)
			}
		}
	})
}

// FuzzRedact holds that the password of an address is not in what is left of a text with that address.
func FuzzRedact(f *testing.F) {
	f.Add("fatal: unable to access '", "user", "hunter22", "': x")
	f.Add("", "", "p%20w", "")
	f.Fuzz(func(t *testing.T, before, user, password, after string) {
		if len(password) < 6 || strings.ContainsAny(user+password, " '\"@/\t\n\r\v\f\u0085") || strings.ToValidUTF8(user+password, "") != user+password || strings.Contains(before+user+after+hidden, password) {
			return
		}
		for _, r := range user + password {
			if r > 0x7e || r < 0x21 {
				return
			}
		}
		for _, scheme := range []string{"https://", "ssh://"} {
			if text := redact(before+scheme+user+":"+password+"@example.com/x"+after, nil); strings.Contains(text, password) {
				t.Errorf("%q", text)
			}
		}
	})
}

func TestLastWords(t *testing.T) {
	for said, want := range map[string]string{
		"": "", "hint: do x\n": "", "a\nb\nc\nd\n": "b; c; d", "noise\nfatal: bad\nPlease make sure\n": "fatal: bad",
		"remote: one\nremote: two\r\nerror: three\nfatal: four\n": "remote: two; error: three; fatal: four",
	} {
		if got := lastWords(said); got != want {
			t.Errorf("%q: %q, want %q", said, got, want)
		}
	}
}
