package main

import (
	"fmt"
	"io"
	"net/mail"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// mailBlock tells the server of everything that a run can end with.
func mailBlock(server *testenv.MailServer) string {
	return fmt.Sprintf(`
notify "smtp" "ops" {
  server   = "127.0.0.1"
  port     = %d
  ca_file  = %q
  user     = %q
  password = env("SMTP_PASSWORD")
  from     = "imsctl <imsctl@example.org>"
  to       = ["ops@example.org", "night@example.org"]
  on       = ["success", "failure"]
}
`, server.Port, server.CAFile, testenv.MailUser)
}

// TestMailOfEachRun: it says in its subject what happened, and who cannot be told changes nothing about the run.
func TestMailOfEachRun(t *testing.T) {
	server := testenv.Mail(t, testenv.MailStartTLS, "PLAIN")
	w := newWorkFolder(t, map[string]string{"notes.txt": "one\n", "main.hcl": exitSpecification + mailBlock(server)})
	w.environment = []string{"SMTP_PASSWORD=" + testenv.MailPassword}
	take := func(subject, text string) {
		t.Helper()
		taken := server.Taken()
		if len(taken) != 1 || strings.Join(taken[0].To, " ") != "ops@example.org night@example.org" {
			t.Fatalf("got %+v", taken)
		}
		message, err := mail.ReadMessage(strings.NewReader(taken[0].Data))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(message.Body)
		if got := message.Header.Get("Subject"); err != nil || !strings.HasPrefix(got, subject) || !strings.Contains(string(body), text) {
			t.Errorf("%v: got %q with %q", err, got, body)
		}
	}
	if out := string(w.run(exitDone, "notify", "-test")); !strings.Contains(out, "ok    notify.smtp.ops") {
		t.Errorf("got %s", out)
	}
	take("Test: imsctl on ", "can reach you")
	w.run(exitDone, "apply", "-auto-approve")
	take("Well: 1 done (imsctl apply on ", "The last lines of the run:")

	w.environment = []string{"SMTP_PASSWORD=a wrong secret"}
	for _, step := range []struct {
		code    int
		command string
		want    string
	}{
		{exitDone, "apply -auto-approve -json", "signing in: the mail server answered 535"},
		{exitError, "notify -test", "FAIL  notify.smtp.ops  signing in: the mail server answered 535"},
	} {
		out := string(w.run(step.code, strings.Fields(step.command)...))
		if !strings.Contains(out, step.want) || strings.Contains(out, "wrong secret") {
			t.Errorf("%s: got %s", step.command, out)
		}
	}
}
