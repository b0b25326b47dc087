package smtp

import (
	"context"
	"errors"
	"io"
	"mime"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"

	gosmtp "github.com/emersion/go-smtp"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// read takes a mail apart as a mail program does.
func read(t *testing.T, data string) (netmail.Header, string) {
	t.Helper()
	for line := range strings.SplitSeq(data, "\n") {
		if len(strings.TrimSuffix(line, "\r")) > 78 || strings.Contains(strings.TrimSuffix(line, "\r"), "\r") {
			t.Errorf("line of %d bytes: %q", len(line), line)
		}
	}
	message, err := netmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if got := message.Header.Get("Content-Transfer-Encoding"); got != "quoted-printable" {
		t.Errorf("encoded as %q", got)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(message.Body))
	if err != nil {
		t.Fatal(err)
	}
	return message.Header, strings.ReplaceAll(string(body), "\r\n", "\n")
}

func decoded(t *testing.T, header netmail.Header, name string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(header.Get(name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestWhatIsSent(t *testing.T) {
	server := testenv.Mail(t, testenv.MailStartTLS, "PLAIN")
	config := Config{Security: securityStartTLS, User: testenv.MailUser, Password: testenv.MailPassword, From: "Übel & Söhne <imsctl@example.org>",
		To: []string{"ops@example.org", "Second <second@example.org>"}}
	for range 2 {
		if err := send(t.Context(), t, server, config, failed); err != nil {
			t.Fatal(err)
		}
	}
	taken := server.Taken()
	got := taken[0]
	if got.From != "imsctl@example.org" || !slices.Equal(got.To, []string{"ops@example.org", "second@example.org"}) || !got.Secured || got.SignedIn != "PLAIN" {
		t.Errorf("got %+v", got)
	}
	header, body := read(t, got.Data)
	for name, want := range map[string]string{
		"Subject": failed.Subject, "From": `Übel & Söhne <imsctl@example.org>`, "To": `<ops@example.org>, "Second" <second@example.org>`,
		"Date": "Sat, 28 Nov 2026 02:00:00 +0000", "Mime-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8",
		"Auto-Submitted": "auto-generated", "X-Imsctl-Event": "failure", "Importance": "high",
	} {
		if got := strings.ReplaceAll(decoded(t, header, name), `"Übel & Söhne"`, "Übel & Söhne"); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	want := failed.Subject + "\n\nbackup.a: übel\n\nThe last lines of the run:\nbackup.a: failed: übel\n\n-- \nimsctl apply on vm, 2026-11-28 02:00 UTC\n"
	if body != want {
		t.Errorf("got %q\nwant %q", body, want)
	}
	// The same notice is the same mail.
	id := header.Get("Message-Id")
	if again, _ := read(t, taken[1].Data); !strings.HasSuffix(id, "@example.org>") || again.Get("Message-Id") != id {
		t.Errorf("message ids %s and %s", id, again.Get("Message-Id"))
	}
	if err := send(t.Context(), t, server, config, providers.Notice{Subject: "another", Time: failed.Time}); err != nil {
		t.Fatal(err)
	}
	if other, _ := read(t, server.Taken()[0].Data); other.Get("Message-Id") == id || other.Get("Importance") != "" {
		t.Errorf("got %v", other)
	}
}

// TestTextsOfOthers: what ends up in a notice may come from anywhere.
func TestTextsOfOthers(t *testing.T) {
	server := testenv.Mail(t, testenv.MailPlain)
	notice := failed
	notice.Subject = "Failed: x\r\nBcc: all@example.org\r\n\r\n" + strings.Repeat("ß", 400) + "\xff\x00"
	notice.Text = ".\r\n..\n.dot\nMAIL FROM:<x>\n" + strings.Repeat("long ", 5000) + "\rX: y\n.\n\xffend"
	notice.Log = nil
	if err := send(t.Context(), t, server, Config{Security: securityNone}, notice); err != nil {
		t.Fatal(err)
	}
	taken := server.Taken()
	if len(taken) != 1 || !slices.Equal(taken[0].To, []string{"ops@example.org"}) {
		t.Fatalf("got %+v", taken)
	}
	header, body := read(t, taken[0].Data)
	if subject := decoded(t, header, "Subject"); !strings.HasPrefix(subject, "Failed: x Bcc: all@example.org ßß") || header.Get("Bcc") != "" || !strings.HasSuffix(subject, "ß…") {
		t.Errorf("subject %q, headers %v", subject, header)
	}
	if !strings.Contains(body, "\n\n.\n..\n.dot\nMAIL FROM:<x>\nlong long") || !strings.Contains(body, " X: y\n.\n\uFFFDend\n\n-- \n") {
		t.Errorf("body %q", body)
	}
}

func TestWays(t *testing.T) {
	ways := map[string]testenv.MailSecurity{securityStartTLS: testenv.MailStartTLS, securityTLS: testenv.MailTLS, securityNone: testenv.MailPlain}
	for name, test := range map[string]struct {
		security   string
		mechanisms []string
		want       string
	}{
		"starttls and plain":     {securityStartTLS, []string{"PLAIN", "LOGIN", "CRAM-MD5"}, "PLAIN"},
		"starttls and login":     {securityStartTLS, []string{"XOAUTH2", "LOGIN"}, "LOGIN"},
		"tls and cram-md5":       {securityTLS, []string{"CRAM-MD5"}, "CRAM-MD5"},
		"tls and plain":          {securityTLS, []string{"PLAIN"}, "PLAIN"},
		"tls without signing in": {securityTLS, nil, ""},
		"none":                   {securityNone, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := testenv.Mail(t, ways[test.security], test.mechanisms...)
			config := Config{Security: test.security}
			if test.want != "" {
				config.User, config.Password = testenv.MailUser, testenv.MailPassword
			}
			if err := send(t.Context(), t, server, config, failed); err != nil {
				t.Fatal(err)
			}
			taken := server.Taken()
			if len(taken) != 1 || taken[0].SignedIn != test.want || taken[0].Secured != (test.security != securityNone) {
				t.Errorf("got %+v", taken)
			}
		})
	}
}

// TestPasswordsStayHere: none is sent where it could be read, or to a server that cannot prove who it is.
func TestPasswordsStayHere(t *testing.T) {
	for name, test := range map[string]struct {
		server *testenv.MailServer
		change func(*Config, *testenv.MailServer)
		want   string
	}{
		"no starttls": {testenv.Mail(t, testenv.MailPlain, "PLAIN"), nil, "offers no STARTTLS, and nothing was sent"},
		"no certificates": {testenv.Mail(t, testenv.MailStartTLS, "PLAIN"), func(c *Config, _ *testenv.MailServer) {
			c.CAFile = testenv.Mail(t, testenv.MailPlain).CAFile + ".none"
		}, "reading ca_file"},
		"tls on a port without": {testenv.Mail(t, testenv.MailPlain, "PLAIN"), func(c *Config, _ *testenv.MailServer) { c.Security = securityTLS }, "does not speak TLS from the first byte"},
		"nobody may sign in":    {testenv.Mail(t, testenv.MailTLS), func(c *Config, _ *testenv.MailServer) { c.Security = securityTLS }, "lets nobody sign in"},
		"another way":           {testenv.Mail(t, testenv.MailStartTLS, "XOAUTH2"), nil, "offers XOAUTH2 to sign in; imsctl knows PLAIN"},
	} {
		t.Run(name, func(t *testing.T) {
			config := Config{Security: securityStartTLS, User: testenv.MailUser, Password: testenv.MailPassword}
			if test.change != nil {
				test.change(&config, test.server)
			}
			err := send(t.Context(), t, test.server, config, failed)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), testenv.MailPassword) {
				t.Errorf("got %v", err)
			}
			if seen, taken := test.server.Attempts(), test.server.Taken(); len(seen) > 0 || len(taken) > 0 {
				t.Errorf("signed in by %v, sent %v", seen, taken)
			}
		})
	}
	// The last line of defence, whatever came before.
	server := testenv.Mail(t, testenv.MailPlain, "PLAIN", "CRAM-MD5")
	made := &notifier{config: Config{Server: "127.0.0.1", Port: server.Port, Security: securityNone, User: testenv.MailUser, Password: testenv.MailPassword}, dialer: here{}}
	made.from, made.to = &netmail.Address{Address: "a@example.org"}, []*netmail.Address{{Address: "b@example.org"}}
	if err := made.Notify(t.Context(), failed); err == nil || !strings.Contains(err.Error(), "no password was sent") || len(server.Attempts()) > 0 {
		t.Errorf("got %v after %v", err, server.Attempts())
	}
}

func TestStrangers(t *testing.T) {
	server := testenv.Mail(t, testenv.MailStartTLS, "PLAIN")
	other := testenv.Mail(t, testenv.MailStartTLS)
	// Both have the same certificate. Without a file nobody vouches for it: the system does not know it.
	made := Config{Security: securityStartTLS, User: testenv.MailUser, Password: testenv.MailPassword, CAFile: other.CAFile}
	if err := send(t.Context(), t, server, made, failed); err != nil {
		t.Fatal(err)
	}
	notifier := &notifier{config: Config{Server: "127.0.0.1", Port: server.Port, Security: securityStartTLS, User: testenv.MailUser, Password: testenv.MailPassword}, dialer: here{}}
	notifier.from, notifier.to = &netmail.Address{Address: "a@example.org"}, []*netmail.Address{{Address: "b@example.org"}}
	err := notifier.Notify(t.Context(), failed)
	if err == nil || !strings.Contains(err.Error(), "in ca_file") || errors.Is(err, providers.ErrTemporary) || len(server.Attempts()) != 1 {
		t.Errorf("got %v", err)
	}
}

func TestAnswers(t *testing.T) {
	wrong := Config{Security: securityStartTLS, User: testenv.MailUser, Password: "a wrong secret"}
	err := send(t.Context(), t, testenv.Mail(t, testenv.MailStartTLS, "PLAIN"), wrong, failed)
	if err == nil || errors.Is(err, providers.ErrTemporary) || !strings.Contains(err.Error(), "signing in: the mail server answered 535") || strings.Contains(err.Error(), "a wrong secret") {
		t.Errorf("wrong password: %v", err)
	}
	unknown := &gosmtp.SMTPError{Code: 550, EnhancedCode: gosmtp.EnhancedCode{5, 1, 1}, Message: "no such person"}
	busy := &gosmtp.SMTPError{Code: 451, EnhancedCode: gosmtp.EnhancedCode{4, 7, 1}, Message: "later"}
	for name, test := range map[string]struct {
		refuse    map[string]error
		reached   int
		temporary bool
		want      string
	}{
		"one is unknown":    {map[string]error{"a@example.org": unknown}, 1, false, "naming a@example.org: the mail server answered 550: 5.1.1 no such person"},
		"one must wait":     {map[string]error{"b@example.org": busy}, 1, false, "naming b@example.org: the mail server answered 451: 4.7.1 later"},
		"both are unknown":  {map[string]error{"a@example.org": unknown, "b@example.org": unknown}, 0, false, "a@example.org: the mail server answered 550: 5.1.1 no such person; naming b@"},
		"both must wait":    {map[string]error{"a@example.org": busy, "b@example.org": busy}, 0, true, "451"},
		"nobody is refused": {nil, 2, false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			server := testenv.Mail(t, testenv.MailPlain)
			server.Refuse = test.refuse
			err := send(t.Context(), t, server, Config{Security: securityNone, To: []string{"a@example.org", "b@example.org"}}, failed)
			reached := 0
			for _, mail := range server.Taken() {
				reached += len(mail.To)
			}
			if reached != test.reached || errors.Is(err, providers.ErrTemporary) != test.temporary || (err == nil) != (test.want == "") {
				t.Fatalf("reached %d: %v", reached, err)
			}
			if err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestServersThatBreakOff(t *testing.T) {
	for name, test := range map[string]struct {
		lines     []string
		temporary bool
		want      string
	}{
		"too busy to greet": {[]string{"421 too many connections"}, true, "greeting: the mail server answered 421: too many connections"},
		"no mail server":    {[]string{"HTTP/1.1 400 Bad Request"}, false, "greeting: "},
		"silent":            {nil, true, "greeting: "},
		"ends in the mail":  {[]string{"220 x", "250 x", "250 x", "250 x", "354 x"}, true, "sending mail: "},
	} {
		t.Run(name, func(t *testing.T) {
			err := send(t.Context(), t, script(t, nil, test.lines...), Config{Security: securityNone}, failed)
			if err == nil || errors.Is(err, providers.ErrTemporary) != test.temporary || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v", err)
			}
		})
	}
	// Nobody listens there.
	server := script(t, nil)
	server.Port = 1
	if err := send(t.Context(), t, server, Config{Security: securityNone}, failed); !errors.Is(err, providers.ErrTemporary) {
		t.Errorf("got %v", err)
	}
}

// TestHangingServer gives up on a server that says nothing more, wherever that is, as soon as nobody waits any more.
func TestHangingServer(t *testing.T) {
	lines := []string{"220 x", "250 x", "250 x", "250 x", "354 x"}
	for said := range len(lines) + 1 {
		ctx, cancel := context.WithCancel(t.Context())
		hung := make(chan struct{})
		server := script(t, hung, lines[:said]...)
		go func() {
			<-hung
			cancel()
		}()
		if err := send(ctx, t, server, Config{Security: securityNone}, failed); !errors.Is(err, context.Canceled) {
			t.Errorf("after %d lines: %v", said, err)
		}
		cancel()
	}
}

func TestGreeting(t *testing.T) {
	for host, want := range map[string]string{"vm": "vm", "vm-1.example.org": "vm-1.example.org", "": "localhost", "a b": "localhost", "x\r\nRSET": "localhost", "übel": "localhost"} {
		if got := greeting(host); got != want {
			t.Errorf("%q: %q", host, got)
		}
	}
}
