package azblob

import (
	"crypto/rand"
	"fmt"
	"regexp"
	"unicode/utf8"

	"github.com/castrolanda/imsctl/internal/endpoint"
	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: destination "azblob".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindDestination,
		Type:    "azblob",
		Summary: "A container of Azure Blob Storage.",
		New:     func() providers.Config { return &Config{} },
	}
}

// Config is the body of the block.
type Config struct {
	Account          string `hcl:"account,optional" doc:"The storage account. It may be left out where connection_string names it."`
	Container        string `hcl:"container" doc:"The container. It must exist."`
	Prefix           string `hcl:"prefix,optional" doc:"The folder in the container: what the names of its blobs begin with, before a slash."`
	Key              string `hcl:"account_key,optional" doc:"A key of the account; take it from the environment. Azure's default credentials when nothing is given."`
	SAS              string `hcl:"sas_token,optional" doc:"A shared access signature; take it from the environment."`
	ConnectionString string `hcl:"connection_string,optional" doc:"A connection string with a key or a shared access signature; take it from the environment."`
	Endpoint         string `hcl:"endpoint,optional" doc:"Another server with the same interface, as https://HOST, with the account as its path where the server wants it there. An emulator on this machine may be http://127.0.0.1:PORT/ACCOUNT."`
}

// The patterns of Azure's names.
var (
	accountPattern   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	containerPattern = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)
)

// longestName is how many characters the name of a blob may have, and longestPrefix how many of them the prefix.
const longestName, longestPrefix = 1024, 512

// Validate checks the names, the endpoint, and that there is one credential at most.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	report := func(attribute, summary, detail string) {
		problems = append(problems, providers.Problem{Attribute: attribute, Summary: summary, Detail: detail})
	}
	if c.Account == "" && c.ConnectionString == "" {
		report("account", "Missing account", "Name the storage account, or give a connection_string that does.")
	} else if c.Account != "" && !accountPattern.MatchString(c.Account) {
		report("account", "Invalid account", "An account's name has 3 to 24 small letters and digits.")
	}
	if !containerPattern.MatchString(c.Container) || len(c.Container) > 63 {
		report("container", "Invalid container", "A container's name has 3 to 63 small letters, digits and single '-', with a letter or digit at both ends.")
	}
	if why := endpoint.CheckPrefix(c.Prefix, longestPrefix, utf8.RuneCountInString, "characters"); why != "" {
		report("prefix", "Invalid prefix", fmt.Sprintf("The prefix %q %s.", c.Prefix, why))
	}
	if _, problem := c.access(); problem != nil {
		problems = append(problems, *problem)
	}
	return problems
}

// Credentials are the key or the signature, or those that the environment gives to all accounts.
func (c *Config) Credentials() string {
	found, problem := c.access()
	if problem != nil {
		return "azblob"
	}
	return "azblob " + found.key + found.sas
}

// Destination returns the container as a destination. It connects when it is first used.
func (c *Config) Destination(environment providers.Environment) (providers.Destination, error) {
	found, problem := c.access()
	if problem != nil {
		return nil, fmt.Errorf("%s: %s", problem.Summary, problem.Detail)
	}
	prefix := ""
	if c.Prefix != "" {
		prefix = c.Prefix + "/"
	}
	return &destination{
		container:  c.Container,
		prefix:     prefix,
		clock:      environment.Clock,
		random:     rand.Reader,
		blockSize:  blockSize,
		connection: connection{access: found, container: c.Container},
		progress:   make(map[string]int),
	}, nil
}
