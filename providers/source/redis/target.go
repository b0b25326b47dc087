package redis

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// passwordVariable is where redis-cli looks for a password that it is not given.
const passwordVariable = "REDISCLI_AUTH"

// Place is the server that the block is about.
func (c *Config) Place(environment providers.Environment) providers.Target {
	location := url.URL{Scheme: "redis", Host: c.Address}
	query := make(url.Values)
	if c.TLS {
		location.Scheme = "rediss"
		files := map[string]string{"ca_file": c.CAFile, "cert_file": c.CertFile, "key_file": c.KeyFile}
		for name, file := range files {
			if c.Container == "" {
				file = inFolder(environment.Directory, file)
			}
			if file != "" {
				query.Set(name, file)
			}
		}
		if c.ServerName != "" {
			query.Set("server_name", c.ServerName)
		}
	}
	if c.Container != "" {
		location.Host = net.JoinHostPort("localhost", strconv.FormatInt(c.Port, 10))
	} else if network, _, err := splitAddress(c.Address); err == nil && network == "unix" {
		location.Host, location.Path = "", c.Address
	}
	if c.User != "" || c.Password != "" {
		location.User = url.UserPassword(c.User, c.Password)
	}
	location.RawQuery = query.Encode()
	return providers.Target{Kind: providers.TargetRedis, Host: c.Host, Container: c.Container, Location: location.String()}
}

// formOfTarget is what the location of a target looks like.
const formOfTarget = "write HOST:PORT, redis://USER:PASSWORD@HOST:PORT, rediss:// for TLS, or the absolute path of a socket; a password can also be in " + passwordVariable

// parseTarget reads the location of a target as the configuration of its server. Errors never hold a part of it that may be of a
// password.
func parseTarget(target providers.Target) (*Config, error) {
	config := &Config{Host: target.Host, Container: target.Container, Port: defaultPort}
	text := target.Location
	if !target.Own {
		config.Password = os.Getenv(passwordVariable)
	}
	if !strings.Contains(text, "://") {
		config.Address = text
	} else if err := config.parseURL(text); err != nil {
		return nil, err
	}
	if config.Container != "" {
		_, port, err := net.SplitHostPort(config.Address)
		if err == nil {
			config.Port, err = strconv.ParseInt(port, 10, 64)
		}
		if err != nil {
			return nil, fmt.Errorf("the target has no usable port: %s", formOfTarget)
		}
		config.Address = ""
	}
	for _, problem := range config.Validate() {
		return nil, fmt.Errorf("the target: %s", strings.TrimSuffix(problem.Detail, "."))
	}
	return config, nil
}

// parseURL reads a URL.
func (c *Config) parseURL(text string) error {
	parsed, err := url.Parse(text)
	if err != nil {
		return errors.New("the target's URL cannot be read: " + formOfTarget)
	}
	switch parsed.Scheme {
	case "rediss":
		c.TLS = true
	case "redis":
	default:
		return errors.New("the target's URL does not begin with redis:// or rediss:// : " + formOfTarget)
	}
	if parsed.User != nil {
		c.User = parsed.User.Username()
		c.Password, _ = parsed.User.Password()
	}
	query := parsed.Query()
	c.CAFile, c.CertFile, c.KeyFile, c.ServerName = query.Get("ca_file"), query.Get("cert_file"), query.Get("key_file"), query.Get("server_name")
	c.Address = parsed.Host
	switch {
	case parsed.Host == "":
		c.Address = parsed.Path
	case strings.Trim(parsed.Path, "/") != "":
		return errors.New("the target's URL names a database, and a snapshot says itself which of its keys are in which: leave what follows the port out")
	case parsed.Port() == "":
		c.Address = net.JoinHostPort(parsed.Hostname(), strconv.Itoa(defaultPort))
	}
	return nil
}
