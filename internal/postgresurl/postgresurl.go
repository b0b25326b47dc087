// Package postgresurl reads the URLs of PostgreSQL databases, as all that connect to one do: what is wrong is said without
// repeating what may be a secret.
package postgresurl

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// connectTimeout is how long a server may take to answer where the URL does not say.
const connectTimeout = 10 * time.Second

// Form is what a usable URL looks like.
const Form = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, with special characters percent-encoded"

// Split takes a URL apart and checks its form. Its errors never hold the URL itself, nor the parts of it that may be of a
// password.
func Split(text string) (*url.URL, url.Values, error) {
	parsed, err := url.Parse(text)
	switch {
	case text == "":
		return nil, nil, fmt.Errorf("the URL is empty: %s", Form)
	case err != nil:
		return nil, nil, fmt.Errorf("the URL cannot be read: %s", Form)
	case parsed.Scheme != "postgres" && parsed.Scheme != "postgresql":
		return nil, nil, fmt.Errorf("the URL does not begin with postgres:// : %s", Form)
	case strings.Contains(parsed.EscapedPath(), "@") || strings.Count(parsed.EscapedPath(), "/") > 1:
		// "u:12/3@host/db" parses as port 12 and database "3@host/db": most of the password would be shown.
		return nil, nil, fmt.Errorf("the URL has a / or @ after the host that is not percent-encoded: %s", Form)
	}
	if parsed.Fragment != "" {
		return nil, nil, fmt.Errorf("the URL has a # that is not percent-encoded: %s", Form)
	}
	if port := parsed.Port(); port != "" {
		if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
			return nil, nil, fmt.Errorf("the URL has no usable port: %s", Form)
		}
	}
	// PostgreSQL's programs and pgx do not read + as a space.
	query, err := url.ParseQuery(strings.ReplaceAll(parsed.RawQuery, "+", "%2B"))
	if err != nil {
		return nil, nil, fmt.Errorf("the parameters of the URL cannot be read: %s", Form)
	}
	return parsed, query, nil
}

// Parse is how to connect to the database of a URL.
func Parse(text string) (*pgx.ConnConfig, error) {
	parsed, query, err := Split(text)
	if err != nil {
		return nil, err
	}
	return Config(text, parsed, query)
}

// Config is how to connect to the database of a URL that was taken apart.
func Config(text string, parsed *url.URL, query url.Values) (*pgx.ConnConfig, error) {
	if strings.Trim(parsed.Path, "/") == "" && query.Get("dbname") == "" {
		return nil, fmt.Errorf("the URL names no database: %s", Form)
	}
	password, _ := parsed.User.Password()
	config, err := pgx.ParseConfig(text)
	if err != nil {
		inner := errors.Unwrap(err)
		// The outermost message repeats the URL; the one below says what is wrong with it, and of what.
		if inner != nil && password == "" && !query.Has("password") {
			return nil, fmt.Errorf("the URL cannot be used (%w): %s", inner, Form)
		}
		return nil, fmt.Errorf("the URL, or one of its parameters, cannot be used: %s", Form)
	}
	for _, other := range config.Fallbacks {
		if other.Host != config.Host || other.Port != config.Port {
			return nil, errors.New("the URL names more than one server: name one")
		}
	}
	if query.Get("connect_timeout") == "" {
		config.ConnectTimeout = connectTimeout
	}
	return config, nil
}
