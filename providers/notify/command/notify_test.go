package command

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

// program is a host on which one program runs, and notes what it was given.
type program struct {
	providers.Host
	err   error
	given providers.Command
	stdin string
}

// Run implements providers.Runner.
func (p *program) Run(_ context.Context, command providers.Command) error {
	data, err := io.ReadAll(command.Stdin)
	p.given, p.stdin = command, string(data)
	return errors.Join(err, p.err)
}

func TestNotify(t *testing.T) {
	host := &program{}
	notifier, err := (&Config{Command: []string{"mail", "ops"}}).Notifier(providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return host, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	notice := providers.Notice{Event: providers.EventDegraded, Severity: providers.SeverityWarning, Subject: "s"}
	if err := notifier.Notify(t.Context(), notice); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(host.given.Arguments, " "); got != "mail ops" {
		t.Errorf("ran %s", got)
	}
	if got := strings.Join(host.given.Environment, " "); got != "IMS_EVENT=degraded IMS_SEVERITY=warning" {
		t.Errorf("in the environment %s", got)
	}
	if !strings.HasPrefix(host.stdin, `{"format_version":"1.0","type":"notice","event":"degraded"`) || !strings.HasSuffix(host.stdin, "}\n") {
		t.Errorf("on standard input %s", host.stdin)
	}
	host.err = &providers.ExitError{Program: "mail", Code: 7, Stderr: "no such person"}
	if err := notifier.Notify(t.Context(), notice); err == nil || err.Error() != "running mail: mail: exit status 7: no such person" {
		t.Errorf("got %v", err)
	}
}

func TestHostThatCannotBeMade(t *testing.T) {
	want := errors.New("no such host")
	_, err := (&Config{Command: []string{"mail"}}).Notifier(providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return nil, want },
	})
	if !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}
