package blobstorage

import (
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/endpoint"
)

// Location is a folder in a container, and how to get in, as a specification says it.
type Location struct {
	Account, Container, Prefix, Key, SAS, ConnectionString, Endpoint string
}

// The patterns of Azure's names.
var (
	accountPattern   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	containerPattern = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)
)

// LongestName is how many characters the name of a blob may have, and longestPrefix how many of them the prefix.
const LongestName, longestPrefix = 1024, 512

// Check checks the names, the endpoint, and that there is one credential at most.
func (l *Location) Check() []endpoint.Problem {
	var problems []endpoint.Problem
	report := func(attribute, summary, detail string) {
		problems = append(problems, endpoint.Problem{Attribute: attribute, Summary: summary, Detail: detail})
	}
	if l.Account == "" && l.ConnectionString == "" {
		report("account", "Missing account", "Name the storage account, or give a connection_string that does.")
	} else if l.Account != "" && !accountPattern.MatchString(l.Account) {
		report("account", "Invalid account", "An account's name has 3 to 24 small letters and digits.")
	}
	if !containerPattern.MatchString(l.Container) || len(l.Container) > 63 {
		report("container", "Invalid container", "A container's name has 3 to 63 small letters, digits and single '-', with a letter or digit at both ends.")
	}
	if why := endpoint.CheckPrefix(l.Prefix, longestPrefix, utf8.RuneCountInString, "characters"); why != "" {
		report("prefix", "Invalid prefix", fmt.Sprintf("The prefix %q %s.", l.Prefix, why))
	}
	if _, problem := l.Access(); problem != nil {
		problems = append(problems, *problem)
	}
	return problems
}

// Connection makes the connection to the container.
func (l *Location) Connection(clock clock.Clock) (*Connection, error) {
	found, problem := l.Access()
	if problem != nil {
		return nil, fmt.Errorf("%s: %s", problem.Summary, problem.Detail)
	}
	return &Connection{Access: found, Container: l.Container, Clock: clock}, nil
}

// Folder is what the names of blobs begin with.
func (l *Location) Folder() string {
	if l.Prefix == "" {
		return ""
	}
	return l.Prefix + "/"
}
