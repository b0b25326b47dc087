package blobstorage

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/endpoint"
)

// Access is where an account's blobs are, and what access to them is gained with: a key, a shared access signature, or, with
// neither, Azure's default credentials.
type Access struct {
	Account string
	Service string // an address without a slash at its end
	Key     string
	SAS     string // a query, without a question mark
}

// Access puts together what the block says, and returns what is wrong with it.
func (l *Location) Access() (Access, *endpoint.Problem) {
	report := func(attribute, summary, detail string) (Access, *endpoint.Problem) {
		return Access{}, &endpoint.Problem{Attribute: attribute, Summary: summary, Detail: detail}
	}
	switch {
	case l.ConnectionString != "" && l.Key+l.SAS != "":
		return report("connection_string", "Two credentials", "Give one of account_key, sas_token and connection_string.")
	case l.Key != "" && l.SAS != "":
		return report("sas_token", "Two credentials", "Give either account_key or sas_token.")
	}
	found, attribute := Access{Account: l.Account, Service: l.Endpoint, Key: l.Key, SAS: l.SAS}, "endpoint"
	if l.ConnectionString != "" {
		if l.Endpoint != "" {
			return report("endpoint", "Two endpoints", "A connection_string says itself where the account is. Leave endpoint out, or give account_key or sas_token with it.")
		}
		parsed, why := parseConnectionString(l.ConnectionString)
		if why != "" {
			return report("connection_string", "Invalid connection string", why)
		}
		if l.Account != "" && parsed.Account != "" && l.Account != parsed.Account {
			return report("account", "Two accounts", fmt.Sprintf("The connection_string is that of account %s. Leave account out.", parsed.Account))
		}
		if parsed.Account == "" {
			parsed.Account = l.Account
		}
		found, attribute = parsed, "connection_string"
	}
	if found.Service == "" {
		found.Service = "https://" + found.Account + ".blob.core.windows.net"
	} else if why := endpoint.Check(found.Service, ", and a shared access signature as sas_token"); why != "" {
		return report(attribute, "Invalid endpoint", why)
	}
	found.Service = strings.TrimSuffix(found.Service, "/")
	found.SAS = strings.TrimPrefix(found.SAS, "?")
	switch {
	case found.Key != "" && !isBase64(found.Key):
		return report(whose(attribute, "account_key"), "Invalid account key", "The key is not base64, as Azure shows keys: it may be cut, or have quotes around it.")
	case found.Key != "" && found.Account == "" && attribute == "connection_string":
		return report("account", "Missing account", "Name the storage account that the key is of.")
	case found.SAS != "" && !isSAS(found.SAS):
		return report(whose(attribute, "sas_token"), "Invalid shared access signature", "It has no signature. Give the whole token, such as sv=…&sp=rcwdl&sig=…, without an address before it.")
	case found.Key == "" && found.SAS == "" && strings.HasPrefix(found.Service, "http:"):
		return report("endpoint", "Credentials without encryption",
			"Azure's default credentials are never sent to an endpoint without encryption. Give account_key or sas_token, or let the endpoint begin with https://.")
	}
	return found, nil
}

// whose is the attribute that a credential came from.
func whose(origin, attribute string) string {
	if origin == "connection_string" {
		return origin
	}
	return attribute
}

// parseConnectionString reads a connection string as Azure shows it, and says what is wrong with it.
func parseConnectionString(text string) (found Access, why string) {
	values := make(map[string]string)
	for item := range strings.SplitSeq(strings.Trim(text, "; \n"), ";") {
		name, value, ok := strings.Cut(item, "=")
		if !ok {
			return Access{}, "It is not a list of NAME=VALUE with semicolons between them, as Azure shows it: AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net."
		}
		values[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	found = Access{Account: values["accountname"], Service: values["blobendpoint"], Key: values["accountkey"], SAS: values["sharedaccesssignature"]}
	switch {
	case found.Key == "" && found.SAS == "":
		return Access{}, "It has neither an AccountKey nor a SharedAccessSignature."
	case found.Service == "" && !accountPattern.MatchString(found.Account):
		return Access{}, "It has neither a BlobEndpoint nor the AccountName of an account."
	}
	if found.Key != "" {
		found.SAS = ""
	}
	if found.Service == "" {
		protocol, suffix := values["defaultendpointsprotocol"], values["endpointsuffix"]
		if protocol == "" {
			protocol = "https"
		}
		if suffix == "" {
			suffix = "core.windows.net"
		}
		found.Service = protocol + "://" + found.Account + ".blob." + suffix
	}
	return found, ""
}

func isBase64(key string) bool {
	_, err := base64.StdEncoding.DecodeString(key)
	return err == nil
}

func isSAS(token string) bool {
	values, err := url.ParseQuery(token)
	return err == nil && values.Get("sig") != ""
}

// Expired tells since when a shared access signature is of no use any more; the zero time while it is, or may be.
func (a *Access) Expired(now time.Time) time.Time {
	values, _ := url.ParseQuery(a.SAS)
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z", time.DateOnly} {
		if end, err := time.Parse(form, values.Get("se")); err == nil && !end.After(now) {
			return end.UTC()
		}
	}
	return time.Time{}
}

// Conceal strikes the credentials out of a text.
func (a *Access) Conceal(text string) string {
	values, _ := url.ParseQuery(a.SAS)
	for _, secret := range []string{a.SAS, a.Key, values.Get("sig"), url.QueryEscape(values.Get("sig"))} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}
