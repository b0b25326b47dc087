package encryption

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// Public keys of the tests, and the private key of the first.
const (
	nativeKey  = "age1rvwypkup526kpgpsm8x74hjmfmtvxs33v9m64929yt79syd40uhq9exmz2"
	otherKey   = "age199zxguv2yff389n6lpctadk3r6aj7343aazjpm43h8qctexlkgeq0f5njc"
	privateKey = "AGE-SECRET-KEY-18NZZGCN8ZATKHYT3X97RXNKXX8TJRT7DAP4YJFTDPYPJ8QFEGUSQU73DF6"
	sshKey     = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKPxyZaWFS1q4Iydv7n3ce1ub43T7WfD4rLmGTx+wrqi"
	rsaKey     = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCc4Z5ge54A8Da2uQ/OpCxk68WOrAwaDg/rkZ1l35iZ9axViBF0oa7zRKvvXbzPw7XYR9nvjO3zdmX2HiHIxrlfpSSegyf0vG4HSLs0WDhGfQVYkf2KG5+n5Lk+Nmrll6j3EUZgRvjRwzn/cQktfqHCipeeqYn76BvUqE4/JGZbNsR2DgSGWWKo15uWz6rcN+4ly1Tc3EpQVN1vj4NziqiqpBdlOoEkiqifJj2cUNG3DI3XY2bxGm/y635MLlcuq5Wr3+637Gdfs/DxHFiyWRlzdKv1uRznUVLC8TzvJ3ahNznIW9nIc5SZ+PcxOPZbWs+xDrog9vd2YJHy4vTSMlRr"
	weakKey    = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQDVdLaGHg7E5IdmkrO2an7QN303CAOrM/vfokgzkDwQVTC1j9Qg8oheOl1OQEbZoVYNzFfPmiohW2NPdSBg5tKKfG9q/RMmbTzQXngsTqjVnkRUDbjxUFfrLe0AZ4tGXgmjTfNg8fdj+lEG7Rko/Jkn20FAgvezWxD4CmLwF0FYHQ=="
	ecdsaKey   = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGHgMy4FewgtmEVaiq0FR4QWPy2NIgwkAjNrO5gt4yzT3US7xXEJzOKg5eblycawpZ97g/Ouun/Qzy+J0An9gyg="
)

func TestRecipients(t *testing.T) {
	encryption, problems := New([]string{" " + nativeKey + "\n", sshKey + "  ops\x1b[31m  at example ", rsaKey, otherKey + "\r"})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	want := []string{nativeKey, sshKey + " ops[31m  at example", rsaKey, otherKey}
	if got := encryption.Recipients(); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if encryption.Format() != "age" || encryption.Extension() != ".age" {
		t.Errorf("%q, %q", encryption.Format(), encryption.Extension())
	}
}

func TestRecipientsRefused(t *testing.T) {
	for text, want := range map[string]string{
		"":                          "Empty recipient",
		"  \n":                      "Empty recipient",
		privateKey:                  "Private key as a recipient",
		strings.ToLower(privateKey): "Private key as a recipient",
		"# public key: " + nativeKey + "\n" + privateKey: "Private key as a recipient",
		"AGE-PLUGIN-YUBIKEY-1XYZ":                        "Private key as a recipient",
		"-----BEGIN OPENSSH PRIVATE KEY-----\n":          "Private key as a recipient",
		nativeKey + "\n" + otherKey:                      "Several lines in a recipient",
		strings.Repeat("x", maxRecipient+1):              "Invalid recipient",
		nativeKey[:40]:                                   "Invalid recipient",
		nativeKey + "q":                                  "Invalid recipient",
		strings.ToUpper(nativeKey):                       "Invalid recipient",
		"hunter2":                                        "Invalid recipient",
		"age1":                                           "Invalid recipient",
		"age1pq1" + strings.Repeat("q", 1900):            "Unsupported recipient",
		"age1tag1qqqqqq":                                 "Unsupported recipient",
		ecdsaKey:                                         "Unsupported recipient",
		"sk-ssh-ed25519@openssh.com AAAA x":              "Unsupported recipient",
		weakKey:                                          "Invalid recipient",
		"ssh-ed25519":                                    "Invalid recipient",
		"ssh-ed25519 AAAA":                               "Invalid recipient",
		"ssh-rsa " + strings.Fields(sshKey)[1]:           "Invalid recipient",
		`command="x" ` + sshKey:                          "Invalid recipient",
	} {
		encryption, problems := New([]string{otherKey, text})
		if encryption != nil || len(problems) != 1 || problems[0].Index != 1 || problems[0].Summary != want {
			t.Errorf("%.40q: %v %+v, want %q", text, encryption, problems, want)
			continue
		}
		if said := fmt.Sprint(problems[0]); strings.Contains(strings.ToUpper(said), "AGE-SECRET-KEY-1") || len(text) > 20 && strings.Contains(said, text) {
			t.Errorf("%.40q: too much of it is said: %s", text, said)
		}
	}
}

func TestRecipientTwice(t *testing.T) {
	_, problems := New([]string{nativeKey, sshKey + " one", sshKey + " two"})
	if len(problems) != 1 || problems[0].Index != 2 || problems[0].Summary != "Recipient listed twice" {
		t.Errorf("%+v", problems)
	}
}

func TestTooManyRecipients(t *testing.T) {
	_, problems := New(slices.Repeat([]string{nativeKey}, maxRecipients+1))
	if last := problems[len(problems)-1]; last.Summary != "Too many recipients" || last.Index != -1 {
		t.Errorf("%+v", last)
	}
}

// FuzzRecipient holds that whatever is listed is a recipient of one line without control characters that is read as itself
// again, or one problem that does not repeat a private key.
func FuzzRecipient(f *testing.F) {
	for _, text := range []string{nativeKey, sshKey + " comment", rsaKey, ecdsaKey, weakKey, privateKey, "age1pq1x", "ssh-ed25519 x", "\x00", "age1\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		encryption, problems := New([]string{text})
		if (encryption == nil) != (len(problems) == 1) {
			t.Fatalf("%v, %+v", encryption, problems)
		}
		if encryption == nil {
			if problems[0].Summary == "" || problems[0].Detail == "" || strings.Contains(fmt.Sprint(problems), privateKey) {
				t.Errorf("%+v", problems)
			}
			return
		}
		recipient := encryption.Recipients()[0]
		if printable(recipient) != recipient || strings.ContainsAny(recipient, "\r\n") {
			t.Errorf("%q is not fit to be printed", recipient)
		}
		again, problems := New([]string{recipient})
		if len(problems) > 0 || again.Recipients()[0] != recipient {
			t.Errorf("%q is read as %v, %+v", recipient, again, problems)
		}
	})
}
