package postgres

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/postgresurl"
	"github.com/castrolanda/imsctl/providers"
)

// connectTimeout is how long a program waits for a server.
const connectTimeout = 10 * time.Second

// Parameters of a URL that pgx and libpq both know and mean the same by: the sessions of imsctl and its programs must reach
// the same server in the same way. Those of identity are given as the URL was understood, the others as they were written.
var (
	identityParameters = []string{"host", "port", "user", "password", "passfile", "dbname", "application_name"}
	passedParameters   = []string{"channel_binding", "connect_timeout", "options", "sslcert", "sslkey", "sslmode", "sslnegotiation",
		"sslrootcert", "sslsni", "target_session_attrs"}
)

// address is a database and how to reach it.
type address struct {
	config *pgx.ConnConfig
	// passed are the parameters that the programs get as they were written.
	passed url.Values
	// password is the one of the URL, or else the one that PGPASSWORD or the password file has for it.
	password string
	// host is where the programs run.
	host providers.Runner
	// dialer connects as a program on a host would; nil for the machine imsctl runs on.
	dialer providers.Dialer
}

// parseURL reads a URL. Its errors never hold the URL itself, nor the parts of it that may be of a password.
func parseURL(text string) (*address, error) {
	parsed, query, err := postgresurl.Split(text)
	if err != nil {
		return nil, err
	}
	if err := checkParameters(query); err != nil {
		return nil, err
	}
	return newAddress(text, parsed, query)
}

// checkParameters refuses what one of the two sides would not understand.
func checkParameters(query url.Values) error {
	for name, values := range query {
		if name == "sslpassword" {
			return errors.New("the parameter sslpassword cannot be given to pg_dump without showing it: use a key file without a password")
		}
		if !slices.Contains(identityParameters, name) && !slices.Contains(passedParameters, name) {
			return fmt.Errorf("the URL has a parameter that cannot be used: use only %s", strings.Join(passedParameters, ", "))
		}
		if len(values) > 1 {
			return fmt.Errorf("the URL has the parameter %s more than once", name)
		}
	}
	return nil
}

func newAddress(text string, parsed *url.URL, query url.Values) (*address, error) {
	config, err := postgresurl.Config(text, parsed, query)
	if err != nil {
		return nil, err
	}
	passed := make(url.Values)
	for _, name := range passedParameters {
		if query.Has(name) {
			passed.Set(name, query.Get(name))
		}
	}
	return &address{config: config, passed: passed, password: config.Password}, nil
}

// String names the database for people: without the password.
func (a *address) String() string {
	return fmt.Sprintf("database %q on %s as %s", a.config.Database, a.server(), a.config.User)
}

// server is the host and port, or the folder of the socket.
func (a *address) server() string {
	if strings.HasPrefix(a.config.Host, "/") {
		return a.config.Host
	}
	return fmt.Sprintf("%s:%d", a.config.Host, a.config.Port)
}

// conninfo is the address for pg_dump and psql, without the password (PostgreSQL documentation, 34.1.1.1 "Keyword/Value
// Connection Strings"). It is an argument and not the environment because a service (PGSERVICE) that happens to be set
// overrides the environment: the programs would then go to another server than the one imsctl looked at.
func (a *address) conninfo() string {
	pairs := []string{
		"host=" + quoted(a.config.Host), "hostaddr=''", "port=" + quoted(strconv.Itoa(int(a.config.Port))),
		"user=" + quoted(a.config.User), "dbname=" + quoted(a.config.Database),
	}
	for _, name := range passedParameters {
		if a.passed.Has(name) {
			pairs = append(pairs, name+"="+quoted(a.passed.Get(name)))
		}
	}
	return strings.Join(pairs, " ")
}

// quoted is a value of a connection string.
func quoted(value string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value) + "'"
}

// environment is what pg_dump and psql are given beside the connection string.
func (a *address) environment(application string) []string {
	seconds := strconv.Itoa(int(connectTimeout / time.Second))
	return []string{"PGAPPNAME=" + application, "PGPASSWORD=" + a.password, "PGCONNECT_TIMEOUT=" + seconds}
}

// redact takes the password out of a text of somebody else's, also where it is percent-encoded.
func (a *address) redact(text string) string {
	if a.password == "" {
		return text
	}
	for _, form := range []string{a.password, url.PathEscape(a.password), url.QueryEscape(a.password)} {
		text = strings.ReplaceAll(text, form, "…")
	}
	return text
}
