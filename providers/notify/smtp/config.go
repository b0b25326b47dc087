// Package smtp declares people who are sent e-mail.
package smtp

import (
	"fmt"
	"net/mail"
	"strings"

	"github.com/castrolanda/imsctl/providers"
)

// How the connection is protected.
const (
	securityStartTLS = "starttls"
	securityTLS      = "tls"
	securityNone     = "none"
)

// defaultPorts are those that servers listen on for each: submission, submissions and smtp.
var defaultPorts = map[string]int64{securityStartTLS: 587, securityTLS: 465, securityNone: 25}

const highestPort = 65535

// Provider is the registry's entry: notify "smtp".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindNotify,
		Type:    "smtp",
		Summary: "People who are sent e-mail.",
		New:     func() providers.Config { return &Config{Security: securityStartTLS} },
	}
}

// Config is the body of the block.
type Config struct {
	Host     providers.Reference `hcl:"host,optional" doc:"The host from which the server is reached; the machine imsctl runs on when left out."`
	Server   string              `hcl:"server" doc:"The mail server, by its name: its certificate is held against it."`
	Port     int64               `hcl:"port,optional" doc:"Its port; when left out 587 for starttls, 465 for tls and 25 for none."`
	Security string              `hcl:"security,optional" doc:"starttls, tls (from the first byte) or none; starttls when left out. Without it nothing is sent, and with none no password."`
	CAFile   string              `hcl:"ca_file,optional" doc:"Certificates (PEM) of those who may vouch for the server; those that the system trusts when left out."`
	User     string              `hcl:"user,optional" doc:"Who signs in there."`
	Password string              `hcl:"password,optional" doc:"The password of the user; take it from the environment: env(\"SMTP_PASSWORD\")."`
	From     string              `hcl:"from" doc:"The sender: ADDRESS or NAME <ADDRESS>."`
	To       []string            `hcl:"to" doc:"The recipients: ADDRESS or NAME <ADDRESS>, each."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	var problems []providers.Problem
	problem := func(attribute, summary, detail string) {
		problems = append(problems, providers.Problem{Attribute: attribute, Summary: summary, Detail: detail})
	}
	if c.Server == "" || strings.ContainsAny(c.Server, " \t\r\n/@[]") || strings.Count(c.Server, ":") == 1 {
		problem("server", "Not a mail server", "Write its name alone, such as mail.example.org; the port has an attribute of its own.")
	}
	if c.Port < 0 || c.Port > highestPort {
		problem("port", "Not a port", fmt.Sprintf("port is %d; ports are 1 to %d.", c.Port, highestPort))
	}
	if _, known := defaultPorts[c.Security]; !known {
		problem("security", "Unknown security", fmt.Sprintf("security is %q; it is starttls, tls or none.", c.Security))
	}
	if c.Security == securityNone && c.CAFile != "" {
		problem("ca_file", "Attribute without effect", `With security = "none" no certificate is looked at. Leave ca_file out, or use starttls or tls.`)
	}
	switch {
	case c.Security == securityNone && c.Password != "":
		problem("password", "Password without encryption", `With security = "none" everybody on the way could read the password. Use starttls or tls, or a server that asks for no password.`)
	case c.User != "" && c.Password == "":
		problem("user", "Half of the credentials", "user and password belong together: give both, or none.")
	case c.User == "" && c.Password != "":
		problem("password", "Half of the credentials", "user and password belong together: give both, or none.")
	}
	if _, err := mail.ParseAddress(c.From); err != nil {
		problem("from", "Not an e-mail address", fmt.Sprintf("%q is none. Write ADDRESS or NAME <ADDRESS>.", c.From))
	}
	if len(c.To) == 0 {
		problem("to", "No recipients", "Name at least one e-mail address.")
	}
	for _, to := range c.To {
		if _, err := mail.ParseAddress(to); err != nil {
			problem("to", "Not an e-mail address", fmt.Sprintf("%q is none. Write ADDRESS or NAME <ADDRESS>.", to))
		}
	}
	return problems
}

// Notifier makes what sends the mail.
func (c *Config) Notifier(environment providers.Environment) (providers.Notifier, error) {
	dialer, err := environment.Dialer(c.Host)
	if err != nil {
		return nil, err
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("reading the sender: %w", err)
	}
	made := &notifier{config: *c, dialer: dialer, directory: environment.Directory, from: from}
	if made.config.Port == 0 {
		made.config.Port = defaultPorts[c.Security]
	}
	for _, address := range c.To {
		to, err := mail.ParseAddress(address)
		if err != nil {
			return nil, fmt.Errorf("reading a recipient: %w", err)
		}
		made.to = append(made.to, to)
	}
	return made, nil
}
