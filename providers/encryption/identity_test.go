package encryption

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// What identities look like in files. The passphrase of all that have one is "correct horse".
const (
	protectedKey = `-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IHNjcnlwdCBjdjhLM0dnNjRHeEl3WUZr
dG56bFFnIDgKc1lEMGhaU25QN1NqT1ZCTWFEUVAyQzJmNjlscG1ZR1VEa25lTmpG
Tlo2dwotLS0gZXdiWnY4TElIamY1NnJwM1diWjdpVWVTODRDVUdDdEZ1by85L2tP
RFp5Zwr3c2F9q8HJDZzBHpsJCgDcZ74NrMJdpA4EgdyFmsQBGT2OtKMK48F8Wzj4
rjjC7FteahRJRHXyq5qyZuf3YQyJHnk/+UsnzIRbJApVOMcGDj9qhJ2DfdcbYp6a
dklfdvd1F02OezaELRoNpA4YBocL3CSE8ByZ6RPjg/PVE8q7VlkFZIDsbS9VA9ZS
GX3SeroYaFro97cRtAHjOaqkOMUYQjplbhNnfESndpEJoaMa72ukBTeuqoax6jDo
zdx1bZ9ZxxaSiIJQHGGj1b4eFGD6M7fQ4svLaCI=
-----END AGE ENCRYPTED FILE-----
`
	privateSSH = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW
QyNTUxOQAAACCj8cmWlhUtauCMnb+593Htbm+N0+1nw+Ky5hk8fsK6ogAAAJhZnnS3WZ50
twAAAAtzc2gtZWQyNTUxOQAAACCj8cmWlhUtauCMnb+593Htbm+N0+1nw+Ky5hk8fsK6og
AAAEAZ40EXyWrLT3SqilcsAaFj5Zz44PLEqvT84QwNjvjaYKPxyZaWFS1q4Iydv7n3ce1u
b43T7WfD4rLmGTx+wrqiAAAAD29wc0BleGFtcGxlLm9yZwECAwQFBg==
-----END OPENSSH PRIVATE KEY-----
`
	protectedSSH = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABC7bw+9zI
xTUYmadfxKY7ZOAAAAAQAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIKPxyZaWFS1q4Iyd
v7n3ce1ub43T7WfD4rLmGTx+wrqiAAAAoDGXfz0s8xMEMmVTNs+yya2KmvADta0fKwQZbf
oMaXKpGM0ynVkGUUtjf1BhO1cLlK9bO1Uw8Di9vumEjcToIysHTjpoe5AsUoIA5IhdTYWk
cvbolIzkjNSiVYUQIHnc8FLwOXI8eYRGzFueIK1j4/RgGvSiR+tNBogM8Y0GkUML/GJ3KO
fR7Cn4rF0FgdrXB+JB3KEprs7IAosJuOrU3bM=
-----END OPENSSH PRIVATE KEY-----
`
	privateRSA = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAABFwAAAAdzc2gtcn
NhAAAAAwEAAQAAAQEAnOGeYHueAPA2trkPzqQsZOvFjqwMGg4P65GdZd+YmfWsVYgRdKGu
80Sr7128z8O12EfZ74zt83Zl9h4hyMa5X6UknoMn9LxuB0i7NFg4Rn0FWJH9ihufp+S5Pj
Zq5Zeo9xFGYEb40cM5/3EJLX6hwoqXnqmJ++gb1KhOPyRmWzbEdg4EhlliqNebls+q3Dfu
JctU3NxKUFTdb4+Dc4qoqqQXZTqBJIqonyY9nFDRtwyN12Nm8Rpv8ut+TC5XLquVq9/ut+
xnX7Pw8RxYslkZc3Sr9bkc51FSwvE87yd2oTc5yFvZyHOUmfj3MTj2W1rPsQ66IPb3dmCR
8uL00jJUawAAA8iTdFAuk3RQLgAAAAdzc2gtcnNhAAABAQCc4Z5ge54A8Da2uQ/OpCxk68
WOrAwaDg/rkZ1l35iZ9axViBF0oa7zRKvvXbzPw7XYR9nvjO3zdmX2HiHIxrlfpSSegyf0
vG4HSLs0WDhGfQVYkf2KG5+n5Lk+Nmrll6j3EUZgRvjRwzn/cQktfqHCipeeqYn76BvUqE
4/JGZbNsR2DgSGWWKo15uWz6rcN+4ly1Tc3EpQVN1vj4NziqiqpBdlOoEkiqifJj2cUNG3
DI3XY2bxGm/y635MLlcuq5Wr3+637Gdfs/DxHFiyWRlzdKv1uRznUVLC8TzvJ3ahNznIW9
nIc5SZ+PcxOPZbWs+xDrog9vd2YJHy4vTSMlRrAAAAAwEAAQAAAQAUr5VEEJi9c+8q+czx
SOmHpyUGEn6IAvmrbKht8eU7y86c+pOepuEcN55aMih+1sYIDjVY5mLL2v1HziJTSIzR5U
MmWZHvrdbuQ/NXTBijhsGpM5rUVp8fMsQQRXmj63L+nPsEH+eYNR9VJND6fDuVHNQwOhe1
LR5aVJT4s3KBrUqpRUyrfR5k5MLTHbRgoF+keOpeJ6tEtq2AGZ0QTLxcj3kqUwcwyXdUy9
5kGHUeLsk+boT4gnqOXSF+Z5KkOA06LA+/ofmYoLkLy2Bss9ERMHOPFltTxEML/6iUzaN+
w5Ke4do0Anqz8FT9/mBQPmDVz5M2SamCzmJrklijVZoNAAAAgQCeU06ibgOm8zzwiThipD
3SXl8urOO4cp/h8Q01QZ0Ye1UWy9kJIpgPb4t78f+/I47tfqL9iHkn/BUP9RDLqGrJBtme
BQCIRTgZShlieEa2abMiV8wmuEvuz/fsXfO0PhDRxpjsx9UfURXMXO96JRpsb0yRjZOc2Q
6hndoF73OUUQAAAIEAz6jh+ERZELLcWIMW9xehTEAsvOzQMCGOW5ykx63OlaMkaEUHhNAn
GktOtTMSaKkUwNyl4/yl22cKX40p3qZxYIn7KiOlyPOMh0U7EmCZ0Xyn9iaTMayvccvxG6
Z7Tofwi9TYIt88CoNaSAsy/fJVyfExflNzvLC9gEhmrsMHsg0AAACBAMFmr/PiFVtlWaOg
eztKRrop+e43h7Kp1k4x61YAAxCL/8naYiHxgzTLZoKIHfNO0Z3t57Mfmt4ykiFw4YM3yo
ol5jE02UhrZ2WCNyZK/FRF2h9rWIFVKI6lPuMabBHtfTTvwMSdzWsPI34noH9U1vQ8XR8w
iUOdqW57FBA2HZpXAAAAC2JhY2t1cEBob3N0AQIDBAUGBw==
-----END OPENSSH PRIVATE KEY-----
`
	privateECDSA = `-----BEGIN OPENSSH PRIVATE KEY-----
b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAaAAAABNlY2RzYS
1zaGEyLW5pc3RwMjU2AAAACG5pc3RwMjU2AAAAQQRh4DMuBXsILZhFWoqtBUeEFj8tjSIM
JAIzazuYLeMs091Eu8VxCczioOXm5cnGsKWfe4Pzrrp/0M8vidAJ/YMoAAAAoC3ZjHQt2Y
x0AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBGHgMy4FewgtmEVa
iq0FR4QWPy2NIgwkAjNrO5gt4yzT3US7xXEJzOKg5eblycawpZ97g/Ouun/Qzy+J0An9gy
gAAAAhAIoFabcKWSfVHfkBvTXznPXNh1vXZrKq5Kmsgi7WYA5LAAAAAXgBAgMEBQY=
-----END OPENSSH PRIVATE KEY-----
`
)

// horse knows the passphrase, donkey a wrong one.
func horse(string) ([]byte, error)  { return []byte("correct horse"), nil }
func donkey(string) ([]byte, error) { return []byte("wrong horse"), nil }

// encrypted is a text encrypted for recipients.
func encrypted(t testing.TB, text string, recipients ...string) []byte {
	t.Helper()
	encryption, problems := New(recipients)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	var buffer bytes.Buffer
	writer, err := encryption.NewWriter(&buffer)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(writer, text); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	opened, err := writer.Opened(bytes.NewReader(buffer.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := io.ReadAll(opened); err != nil || string(plain) != text {
		t.Fatalf("%q came back: %v", plain, err)
	}
	return buffer.Bytes()
}

func TestIdentities(t *testing.T) {
	for name, test := range map[string]struct {
		content, recipient string
		ask                Ask
	}{
		"age":                   {privateKey, nativeKey, nil},
		"a whole file":          {"# created: today\n# public key: x\n\n" + privateKey + "\r\n", nativeKey, nil},
		"behind a passphrase":   {protectedKey, nativeKey, horse},
		"SSH":                   {privateSSH, sshKey + " with a comment", nil},
		"SSH with white space":  {"\n" + strings.ReplaceAll(privateSSH, "\n", "\r\n") + "\n\n", sshKey, nil},
		"SSH with a passphrase": {protectedSSH, sshKey, horse},
		"RSA":                   {privateRSA, rsaKey, nil},
	} {
		t.Run(name, func(t *testing.T) {
			decryption, err := Open([]Source{{"key.txt", []byte(test.content)}}, test.ask)
			if err != nil {
				t.Fatal(err)
			}
			if !decryption.Fits([]string{otherKey, test.recipient}) || decryption.Fits([]string{otherKey}) {
				t.Error("it does not know whose it is")
			}
			data := encrypted(t, "hello", otherKey, test.recipient)
			reader, err := decryption.NewReader(bytes.NewReader(data))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := io.ReadAll(reader); err != nil || string(plain) != "hello" {
				t.Errorf("%q, %v", plain, err)
			}
			if _, err := decryption.NewReader(bytes.NewReader(encrypted(t, "hello", otherKey))); !errors.Is(err, providers.ErrNoIdentity) {
				t.Errorf("what is for others: %v", err)
			}
		})
	}
}

func TestIdentitiesRefused(t *testing.T) {
	for name, test := range map[string]struct {
		content string
		ask     Ask
		want    string
	}{
		"nothing":                {"", nil, "it is empty"},
		"white space":            {" \n", nil, "it is empty"},
		"comments":               {"# public key\n\n", nil, "only comments"},
		"a recipient":            {"# x\n" + nativeKey, nil, "line 2 is a recipient"},
		"an SSH recipient":       {sshKey, nil, "line 1 is a recipient"},
		"a cut key":              {privateKey[:60], nil, "line 1 is not a whole identity"},
		"a key in lower case":    {strings.ToLower(privateKey), nil, "line 1 is no identity"},
		"a plugin's":             {"AGE-PLUGIN-YUBIKEY-1XYZ", nil, "the identity of a plugin"},
		"a cut post-quantum key": {"AGE-SECRET-KEY-PQ-1XYZ", nil, "line 1 is not a whole identity"},
		"something else":         {"hunter2", nil, "line 1 is no identity"},
		"too much":               {strings.Repeat("x", MaxIdentities+1), nil, "longer than"},
		"no terminal":            {protectedKey, nil, "there is no terminal"},
		"no terminal for SSH":    {protectedSSH, nil, "there is no terminal"},
		"a wrong passphrase":     {protectedKey, donkey, "the passphrase is not right"},
		"a wrong one for SSH":    {protectedSSH, donkey, "the passphrase is not right"},
		"no passphrase":          {protectedKey, func(string) ([]byte, error) { return nil, nil }, "the passphrase is not right"},
		"nobody answers":         {protectedKey, func(string) ([]byte, error) { return nil, io.EOF }, "EOF"},
		"damaged armor":          {protectedKey[:200], horse, "damaged"},
		"a cut SSH key":          {privateSSH[:100], nil, "not an SSH private key"},
		"an ECDSA key":           {privateECDSA, nil, "of a type that age does not use"},
		"a certificate":          {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", nil, "not an SSH private key"},
		"a file for recipients":  {string(encrypted(t, privateKey, otherKey)), horse, "an age file for recipients"},
	} {
		_, err := Open([]Source{{"key.txt", []byte(test.content)}}, test.ask)
		if err == nil || !strings.HasPrefix(err.Error(), "key.txt: ") || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, want %q", name, err, test.want)
		}
		if err != nil && strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%s: %v says too much", name, err)
		}
	}
	if _, err := Open(nil, nil); err == nil {
		t.Error("no source at all is no error")
	}
}

// An age file whose header has no end must not fill the memory.
func TestEndlessHeader(t *testing.T) {
	decryption, err := Open([]Source{{"key.txt", []byte(privateKey)}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	endless := io.MultiReader(strings.NewReader("age-encryption.org/v1\n-> X25519 "), forever{})
	if _, err := decryption.NewReader(endless); err == nil || !strings.Contains(err.Error(), "header exceeds") {
		t.Error(err)
	}
}

// forever is a line without end.
type forever struct{}

func (forever) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// FuzzDecrypt holds that nothing passes for an encrypted file but what was encrypted.
func FuzzDecrypt(f *testing.F) {
	decryption, err := Open([]Source{{"key.txt", []byte(privateKey)}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	good := encrypted(f, "hello", nativeKey)
	f.Add(good)
	f.Add(good[:len(good)-1])
	f.Add(encrypted(f, "hello", otherKey, sshKey))
	f.Add([]byte("age-encryption.org/v1\n-> X25519 x\n\n--- x\n"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		reader, err := decryption.NewReader(bytes.NewReader(data))
		if err != nil {
			return
		}
		if plain, err := io.ReadAll(reader); err == nil && string(plain) != "hello" {
			t.Errorf("%q passes for an encrypted file of %q", data, plain)
		}
	})
}

// FuzzIdentity holds that no text crashes the reading of identities, and that errors do not repeat it.
func FuzzIdentity(f *testing.F) {
	for _, text := range []string{privateKey, protectedKey, privateSSH, protectedSSH, privateECDSA, nativeKey, "-----BEGIN", "AGE-SECRET-KEY-PQ-1"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		decryption, err := Open([]Source{{"key", content}}, donkey)
		if (decryption == nil) != (err != nil) {
			t.Fatalf("%v, %v", decryption, err)
		}
		if err != nil && len(content) > 20 && strings.Contains(err.Error(), string(content)) {
			t.Errorf("it is repeated: %v", err)
		}
	})
}
