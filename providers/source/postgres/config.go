// Package postgres backs up a PostgreSQL database with pg_dump, as SQL text or as an archive, and restores it with psql.
//
// The dump is taken from one snapshot that a session of imsctl exports, and the rows of every dumped table are counted in
// that same snapshot. pg_dump must be on the PATH and not be older than the server. The password of the URL reaches pg_dump
// and psql through their environment only. Roles and tablespaces belong to the whole server: they are in a dump where that is
// asked for.
//
// A restore goes into an empty database, which is made when it does not exist, and runs in one transaction. A dump is a
// program for the server: restore only dumps that you trust as you trust their database.
package postgres

import (
	"fmt"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// The forms of a dump, as they are written in a specification and as pg_dump calls them.
const (
	formatPlain  = "plain"
	formatCustom = "custom"
)

// Provider is the registry's entry: source "postgres".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindSource,
		Type:    "postgres",
		Summary: "A PostgreSQL database, dumped with pg_dump.",
		New:     func() providers.Config { return &Config{Format: formatPlain, RowCounts: true} },
		Restore: newRestorer,

		Drill:      newDriller,
		CheckDrill: checkDrill,

		Database: true,
	}
}

// Config is the body of the block.
type Config struct {
	Host          providers.Reference `hcl:"host,optional" doc:"The host that pg_dump runs on, and from which the database is reached; the machine imsctl runs on when left out."`
	URL           string              `hcl:"url,optional" doc:"The database; either this or container: postgres://USER:PASSWORD@HOST:PORT/DATABASE. Take the password from the environment: url = env(\"DATABASE_URL\")."`
	Container     string              `hcl:"container,optional" doc:"The container that the server runs in; pg_dump then runs inside it."`
	User          string              `hcl:"user,optional" doc:"The role to connect as, in a container."`
	Password      string              `hcl:"password,optional" doc:"Its password, in a container whose server asks for one; take it from the environment: env(\"DB_PASSWORD\")."`
	Database      string              `hcl:"database,optional" doc:"The database, in a container; \"*\" is every database of the server, also of that in url, each with backups of its own."`
	Format        string              `hcl:"format,optional" doc:"plain (SQL text) or custom (pg_dump's archive, for pg_restore); plain when left out."`
	Tables        []string            `hcl:"tables,optional" doc:"Dump only tables that match one of these pg_dump patterns, such as \"ml_*\"; a pattern that matches nothing is an error."`
	ExcludeTables []string            `hcl:"exclude_tables,optional" doc:"Leave out tables that match one of these patterns; the same rule."`
	Clean         bool                `hcl:"clean,optional" doc:"Begin the dump with commands that drop what it creates; needs if_exists."`
	IfExists      bool                `hcl:"if_exists,optional" doc:"Let those commands pass over what is not there."`
	NoOwner       bool                `hcl:"no_owner,optional" doc:"Leave out who owns what."`
	NoPrivileges  bool                `hcl:"no_privileges,optional" doc:"Leave out who may do what (GRANT, REVOKE)."`
	Globals       bool                `hcl:"globals,optional" doc:"Begin the dump with the roles of the server, and its tablespaces as comments; plain only."`
	RowCounts     bool                `hcl:"row_counts,optional" doc:"Count the rows of every dumped table in the snapshot of the dump and record them; true when left out."`
	Parallel      int                 `hcl:"parallel,optional" doc:"How many sessions copy tables at once, 2 to 32, all in one snapshot; pg_dump copies one table after the other when left out. With url and plain."`
}

// Validate checks the form of the URL and that the dump can be restored.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	problems = append(problems, c.placeProblems()...)
	if c.Clean && !c.IfExists {
		problems = append(problems, providers.Problem{Attribute: "clean", Summary: "Dump that does not restore",
			Detail: "With clean and without if_exists the dump fails on an empty database, because what it drops is not there. Set if_exists = true."})
	}
	if c.IfExists && !c.Clean {
		problems = append(problems, providers.Problem{Attribute: "if_exists", Summary: "Attribute without effect",
			Detail: "if_exists belongs to clean. Set clean = true, or leave if_exists out."})
	}
	problems = append(problems, c.formatProblems()...)
	problems = append(problems, c.parallelProblems()...)
	problems = append(problems, patternProblems("tables", c.Tables)...)
	return append(problems, patternProblems("exclude_tables", c.ExcludeTables)...)
}

// formatProblems checks that the format is one, and that it can have what else is asked for.
func (c *Config) formatProblems() []providers.Problem {
	switch c.Format {
	case formatPlain:
		return nil
	case formatCustom:
	default:
		return []providers.Problem{{Attribute: "format", Summary: "Unknown format", Detail: fmt.Sprintf("%q is neither plain nor custom.", c.Format)}}
	}
	var problems []providers.Problem
	for _, option := range []struct {
		attribute string
		set       bool
	}{{"clean", c.Clean}, {"if_exists", c.IfExists}, {"no_owner", c.NoOwner}} {
		if option.set {
			problems = append(problems, providers.Problem{Attribute: option.attribute, Summary: "Attribute without effect",
				Detail: "In a custom dump pg_dump leaves this to pg_restore, which takes it as an option. Leave it out, or set format = \"plain\"."})
		}
	}
	if c.Globals {
		problems = append(problems, providers.Problem{Attribute: "globals", Summary: "No place for roles",
			Detail: "A custom dump is of one database and has no place for the roles of a server. Set format = \"plain\", or dump the roles beside it: a plain dump of the database postgres with globals."})
	}
	return problems
}

// placeProblems checks that the block says where the database is, in one way.
func (c *Config) placeProblems() []providers.Problem {
	if c.Container == "" {
		if c.User != "" {
			return []providers.Problem{{Attribute: "user", Summary: "Attribute without effect",
				Detail: "user belongs to container; a url has it inside: postgres://USER:PASSWORD@HOST/DATABASE."}}
		}
		if c.Password != "" {
			return []providers.Problem{{Attribute: "password", Summary: "Attribute without effect",
				Detail: "password belongs to container; a url has it inside: postgres://USER:PASSWORD@HOST/DATABASE."}}
		}
		if c.Database != "" && c.Database != everyDatabase {
			return []providers.Problem{{Attribute: "database", Summary: "Attribute without effect",
				Detail: "A url has the database inside: postgres://USER:PASSWORD@HOST/DATABASE. Beside it database is \"*\", for all of the server."}}
		}
		if _, err := parseURL(c.URL); err != nil {
			return []providers.Problem{{Attribute: "url", Summary: "Invalid URL", Detail: sentence(err)}}
		}
		return nil
	}
	switch {
	case c.URL != "":
		return []providers.Problem{{Attribute: "url", Summary: "Two places", Detail: "A database is reached by url or in a container, not by both."}}
	case c.User == "" || c.Database == "":
		return []providers.Problem{{Attribute: "container", Summary: "Incomplete place", Detail: "container needs user and database too."}}
	}
	return nil
}

// parallelProblems checks that tables can be copied at once.
func (c *Config) parallelProblems() []providers.Problem {
	detail := ""
	switch {
	case c.Parallel == 0:
		return nil
	case c.Parallel < leastParallel || c.Parallel > mostParallel:
		detail = fmt.Sprintf("%d sessions cannot copy tables at once: write a number from %d to %d, or leave parallel out.", c.Parallel, leastParallel, mostParallel)
	case c.Container != "":
		detail = "Tables are copied at once over connections of imsctl's own, and a container has none. Use url, or leave parallel out."
	case c.Format == formatCustom:
		detail = "A custom dump is pg_dump's own work, which is one session's. Set format = \"plain\", or leave parallel out."
	default:
		return nil
	}
	return []providers.Problem{{Attribute: "parallel", Summary: "Tables that cannot be copied at once", Detail: detail}}
}

func patternProblems(attribute string, patterns []string) []providers.Problem {
	var problems []providers.Problem
	for _, pattern := range patterns {
		if _, err := parsePattern(pattern); err != nil {
			problems = append(problems, providers.Problem{Attribute: attribute, Summary: "Invalid pattern", Detail: sentence(err)})
		}
	}
	return problems
}

// sentence is an error as text of its own.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// Source makes the source.
func (c *Config) Source(environment providers.Environment) (providers.Source, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	if c.Container != "" {
		containers, err := environment.Containers(host)
		if err != nil {
			return nil, fmt.Errorf("source postgres: %w", err)
		}
		database := c.Database
		if database == everyDatabase {
			database = maintenance
		}
		return c.grouped(&source{config: *c, container: &contained{containers: containers, host: host.Name(), name: c.Container,
			user: c.User, password: c.Password, database: database, in: containers.In(c.Container)}}), nil
	}
	address, err := parseURL(c.URL)
	if err != nil {
		return nil, fmt.Errorf("source postgres: %w", err)
	}
	address.host = host
	if !c.Host.IsZero() {
		address.dialer, _ = host.(providers.Dialer)
	}
	return c.grouped(&source{config: *c, address: address}), nil
}

// grouped is a source of one database, or of all of them.
func (c *Config) grouped(one *source) providers.Source {
	if c.Database == everyDatabase {
		return cluster{one}
	}
	return one
}

// Place implements providers.Placed.
func (c *Config) Place(providers.Environment) providers.Target {
	return providers.Target{Kind: providers.TargetPostgres, Host: c.Host, Location: c.URL, Container: c.Container, User: c.User, Password: c.Password, Database: c.Database}
}
