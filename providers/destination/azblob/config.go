// Package azblob declares a container of Azure Blob Storage.
package azblob

import (
	"errors"
	"regexp"

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
	Account   string `hcl:"account" doc:"The storage account."`
	Container string `hcl:"container" doc:"The container."`
	Prefix    string `hcl:"prefix,optional" doc:"What the names of its blobs begin with."`
	Key       string `hcl:"account_key,optional" doc:"A key of the account; take it from the environment. Azure's default credentials when nothing is given."`
	SAS       string `hcl:"sas_token,optional" doc:"A shared access signature; take it from the environment."`
	Endpoint  string `hcl:"endpoint,optional" doc:"Another server with the same interface."`
}

// The patterns of Azure's names.
var (
	accountPattern   = regexp.MustCompile(`^[a-z0-9]{3,24}$`)
	containerPattern = regexp.MustCompile(`^[a-z0-9](-?[a-z0-9]){2,62}$`)
)

// Validate checks the names, and that there is one credential at most.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	report := func(attribute, summary, detail string) {
		problems = append(problems, providers.Problem{Attribute: attribute, Summary: summary, Detail: detail})
	}
	if !accountPattern.MatchString(c.Account) {
		report("account", "Invalid account", "An account's name has 3 to 24 small letters and digits.")
	}
	if !containerPattern.MatchString(c.Container) {
		report("container", "Invalid container", "A container's name has 3 to 63 small letters, digits and single '-', with a letter or digit at both ends.")
	}
	if c.Key != "" && c.SAS != "" {
		report("sas_token", "Two credentials", "Give either account_key or sas_token.")
	}
	return problems
}

// Credentials are the key or the signature, or those that the environment gives to all accounts.
func (c *Config) Credentials() string { return "azblob " + c.Key + c.SAS }

// NotBuilt says that the block is only checked yet.
func (*Config) NotBuilt() string { return "azblob destinations are not built yet" }

// Destination makes the destination.
func (c *Config) Destination(providers.Environment) (providers.Destination, error) {
	return nil, errors.New(c.NotBuilt())
}
