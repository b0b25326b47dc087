package providers

import (
	"context"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// NotifyConfig is the Config of a KindNotify provider.
type NotifyConfig interface {
	Config
	// Notifier makes what tells people, as this block describes it. It does no I/O.
	Notifier(Environment) (Notifier, error)
}

// Notifier tells people, or their programs, of what happened. It is safe for concurrent use.
type Notifier interface {
	// Notify delivers one notice, and ends when ctx does. An error that is ErrTemporary may be gone with the next try: the notice
	// is then delivered twice where only the answer was lost. Errors hold no secrets, such as a URL that is one.
	Notify(ctx context.Context, notice Notice) error
}

// Starting is a Notifier that also wants to hear that a run begins.
type Starting interface {
	Notifier
	// HearsStarts reports whether it does, as it is configured.
	HearsStarts() bool
}

// Event is what a notice tells of.
type Event string

// The events. Start and test cannot be asked for: a Starting notifier hears of the one, everyone of the other when somebody tries.
const (
	EventStart        Event = "start"
	EventTest         Event = "test"
	EventFailure      Event = "failure"
	EventDegraded     Event = "degraded"
	EventRecovered    Event = "recovered"
	EventOverdue      Event = "overdue"
	EventSuccess      Event = "success"
	EventDrillFailed  Event = "drill_failed"
	EventDiskWarning  Event = "disk_warning"
	EventPruneRefused Event = "prune_refused"
)

// Severity is how much a notice matters.
type Severity string

// The severities: nothing is wrong, someone should know, someone must do something.
const (
	SeverityInfo    Severity = "info"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// Severity is that of an event.
func (e Event) Severity() Severity {
	switch e {
	case EventFailure, EventOverdue, EventDrillFailed, EventPruneRefused:
		return SeverityError
	case EventDegraded, EventDiskWarning:
		return SeverityWarning
	}
	return SeverityInfo
}

// Notice is what is told of a run.
type Notice struct {
	Event    Event    `json:"event"`
	Severity Severity `json:"severity"`
	// Subject is one line, Text the whole, a line for each thing that it is about; both are without secrets.
	Subject string `json:"subject"`
	Text    string `json:"text"`
	// About is what it is about, in the order of the plan; empty when that is the run as a whole.
	About []Concern `json:"about,omitempty"`
	// Time is when it was made, UTC; Host the machine that imsctl ran on, Run the command ("apply").
	Time time.Time `json:"time"`
	Host string    `json:"host"`
	Run  string    `json:"run"`
	// Log are the last lines of the run, oldest first.
	Log []string `json:"log,omitempty"`
}

// Concern is one thing that a notice is about.
type Concern struct {
	// Address is its own, Artifact the id of the artifact that it concerns; empty where there is none.
	Address  string `json:"address"`
	Artifact string `json:"artifact,omitempty"`
	Text     string `json:"text"`
}

// NoticeVersion is the version of a notice's JSON form: the major part changes when a reader would break.
const NoticeVersion = "1.0"

// JSON is the notice as programs read it. What is no UTF-8 in its texts, such as the output of some program, is replaced: it must not
// keep people from hearing of it.
func (n Notice) JSON() ([]byte, error) {
	document := struct {
		FormatVersion string `json:"format_version"`
		Type          string `json:"type"`
		Notice        `json:",inline"`
	}{NoticeVersion, "notice", n}
	data, err := json.Marshal(document, json.Deterministic(true), jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return nil, fmt.Errorf("writing the notice as JSON: %w", err)
	}
	return data, nil
}
