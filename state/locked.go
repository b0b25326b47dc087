package state

import (
	"fmt"
	"strings"
	"time"
)

// Error implements error: it names the holder as far as it is known, and what to do.
func (e *LockedError) Error() string {
	ends := e.Ends
	if ends == "" {
		ends = "the lock ends with the process that holds it"
	}
	return fmt.Sprintf("the state %s is locked by %s: wait until that is finished, or give -lock-timeout to wait for it; %s",
		e.Location, e.Holder, ends)
}

// String describes the holder for people.
func (l LockInfo) String() string {
	if l == (LockInfo{}) {
		return "another process (which one is not known)"
	}
	var text strings.Builder
	if l.Operation != "" {
		fmt.Fprintf(&text, "%q", "imsctl "+l.Operation)
	} else {
		text.WriteString("another imsctl")
	}
	if l.User != "" {
		text.WriteString(" of " + l.User)
	}
	if l.Host != "" {
		text.WriteString(" on " + l.Host)
	}
	if l.PID != 0 {
		fmt.Fprintf(&text, " (process %d)", l.PID)
	}
	if l.Part != "" {
		text.WriteString(" for " + l.Part)
	}
	if !l.TakenAt.IsZero() {
		text.WriteString(" since " + l.TakenAt.UTC().Format(time.DateTime) + " UTC")
	}
	return text.String()
}

// namedHolders is how many holders are named where several are.
const namedHolders = 3

// DescribeHolders names who is changing a state: up to three, and how many more there are. It is empty for none.
func DescribeHolders(holders []LockInfo) string {
	var text strings.Builder
	for i, holder := range holders[:min(namedHolders, len(holders))] {
		switch {
		case i == 0:
		case i == len(holders)-1:
			text.WriteString(" and ")
		default:
			text.WriteString(", ")
		}
		text.WriteString(holder.String())
	}
	if more := len(holders) - namedHolders; more > 0 {
		fmt.Fprintf(&text, " and %d more", more)
	}
	return text.String()
}
