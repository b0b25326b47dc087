package redis

import (
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/endpoint"
	"github.com/castrolanda/imsctl/internal/resp"
)

// rights is what a user needs, as ACL SETUSER takes it.
const rights = "+ping +info +replconf +psync +sync +subscribe +pubsub &" + channelPrefix + "*"

// refusalError is a command that a server did not carry out.
type refusalError struct {
	text string
	code string
}

func (e *refusalError) Error() string { return e.text }

// refused says what a server said, and what to do about it.
func (a *address) refused(command string, said resp.Error) error {
	return refused(a, command, said, a.user, a.password)
}

// refused says what a server said to a user, and what to do about it.
func refused(server fmt.Stringer, command string, said resp.Error, user, password string) error {
	text := fmt.Sprintf("%s refused %s: %s", server, command, quoted(string(said), password))
	if advice := adviceFor(command, said, user); advice != "" {
		text += ": " + advice
	}
	return &refusalError{text: text, code: said.Code()}
}

// quoted is what somebody else said, without the password.
func quoted(said, password string) string {
	if password != "" {
		said = strings.ReplaceAll(said, password, "…")
	}
	return strings.TrimRight(endpoint.Quote(said), ".")
}

// backupCommands are the commands of a backup.
var backupCommands = []string{"AUTH", "INFO", "REPLCONF", "PSYNC", "SYNC", "SUBSCRIBE", "PUBSUB", "redis-cli --rdb"}

// adviceFor says what to do about a refusal of a command, or nothing.
func adviceFor(command string, said resp.Error, user string) string {
	if user == "" {
		user = "default"
	}
	switch said.Code() {
	case "NOAUTH":
		return "set password, and user where there are several"
	case "WRONGPASS":
		return "check user and password"
	case "NOPERM":
		if !slices.Contains(backupCommands, command) {
			return fmt.Sprintf("a restore needs ACL SETUSER %s ~* +@all", user)
		}
		return fmt.Sprintf("a backup needs ACL SETUSER %s %s", user, rights)
	case "LOADING":
		return "it loads its data; try again when that is done (INFO persistence says loading:0)"
	case "MASTERDOWN", "NOMASTERLINK":
		return noMaster
	case "DENIED":
		return "it answers to its own machine only: name that one as host, or give the server a password"
	case "OOM":
		return "it has reached its maxmemory: raise it for the restore"
	case "BUSYKEY":
		return "somebody else wrote to it meanwhile"
	case "READONLY":
		return "it is a replica: name its master"
	case "BUSY":
		return "a script keeps it busy; try again when that has ended (SCRIPT KILL)"
	}
	return adviceForText(strings.ToLower(string(said)))
}

// noMaster is about replicas that cannot give what they do not have.
const noMaster = "it is a replica that has lost its master: check masterauth, masteruser and the network between them (INFO replication), or back up another one"

// adviceForText is adviceFor for what has no code of its own.
func adviceForText(said string) string {
	switch {
	case strings.Contains(said, "dump payload version"), strings.Contains(said, "bad data format"):
		return "it is older than the server of the snapshot, or lacks a module of that: restore into a later version"
	case strings.Contains(said, "can't sync while not connected"):
		return noMaster
	case strings.Contains(said, "without any password configured"), strings.Contains(said, "no password is set"):
		return "it has no password: leave password out, or give it one (requirepass)"
	case strings.Contains(said, "invalid password"):
		return "check password"
	case strings.Contains(said, "unknown command"):
		return "it has no such command, or under another name (rename-command)"
	case strings.Contains(said, "bgsave failed"):
		return "it could not write a snapshot: its log says why (memory for the fork, see vm.overcommit_memory, or room on its disk)"
	case strings.Contains(said, "max number of clients"):
		return "it has as many clients as it allows (maxclients)"
	}
	return ""
}

// sentence is an error as text of its own.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
