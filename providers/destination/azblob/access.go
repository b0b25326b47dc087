package azblob

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/endpoint"
	"github.com/castrolanda/imsctl/providers"
)

// access is where an account's blobs are, and what access to them is gained with: a key, a shared access signature, or, with
// neither, Azure's default credentials.
type access struct {
	account string
	service string // an address without a slash at its end
	key     string
	sas     string // a query, without a question mark
}

// access puts together what the block says, and returns what is wrong with it.
func (c *Config) access() (access, *providers.Problem) {
	report := func(attribute, summary, detail string) (access, *providers.Problem) {
		return access{}, &providers.Problem{Attribute: attribute, Summary: summary, Detail: detail}
	}
	switch {
	case c.ConnectionString != "" && c.Key+c.SAS != "":
		return report("connection_string", "Two credentials", "Give one of account_key, sas_token and connection_string.")
	case c.Key != "" && c.SAS != "":
		return report("sas_token", "Two credentials", "Give either account_key or sas_token.")
	}
	found, attribute := access{account: c.Account, service: c.Endpoint, key: c.Key, sas: c.SAS}, "endpoint"
	if c.ConnectionString != "" {
		if c.Endpoint != "" {
			return report("endpoint", "Two endpoints", "A connection_string says itself where the account is. Leave endpoint out, or give account_key or sas_token with it.")
		}
		parsed, why := parseConnectionString(c.ConnectionString)
		if why != "" {
			return report("connection_string", "Invalid connection string", why)
		}
		if c.Account != "" && parsed.account != "" && c.Account != parsed.account {
			return report("account", "Two accounts", fmt.Sprintf("The connection_string is that of account %s. Leave account out.", parsed.account))
		}
		if parsed.account == "" {
			parsed.account = c.Account
		}
		found, attribute = parsed, "connection_string"
	}
	if found.service == "" {
		found.service = "https://" + found.account + ".blob.core.windows.net"
	} else if why := endpoint.Check(found.service, ", and a shared access signature as sas_token"); why != "" {
		return report(attribute, "Invalid endpoint", why)
	}
	found.service = strings.TrimSuffix(found.service, "/")
	found.sas = strings.TrimPrefix(found.sas, "?")
	switch {
	case found.key != "" && !isBase64(found.key):
		return report(whose(attribute, "account_key"), "Invalid account key", "The key is not base64, as Azure shows keys: it may be cut, or have quotes around it.")
	case found.key != "" && found.account == "" && attribute == "connection_string":
		return report("account", "Missing account", "Name the storage account that the key is of.")
	case found.sas != "" && !isSAS(found.sas):
		return report(whose(attribute, "sas_token"), "Invalid shared access signature", "It has no signature. Give the whole token, such as sv=…&sp=rcwdl&sig=…, without an address before it.")
	case found.key == "" && found.sas == "" && strings.HasPrefix(found.service, "http:"):
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
func parseConnectionString(text string) (found access, why string) {
	values := make(map[string]string)
	for item := range strings.SplitSeq(strings.Trim(text, "; \n"), ";") {
		name, value, ok := strings.Cut(item, "=")
		if !ok {
			return access{}, "It is not a list of NAME=VALUE with semicolons between them, as Azure shows it: AccountName=…;AccountKey=…;EndpointSuffix=core.windows.net."
		}
		values[strings.ToLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
	}
	found = access{account: values["accountname"], service: values["blobendpoint"], key: values["accountkey"], sas: values["sharedaccesssignature"]}
	switch {
	case found.key == "" && found.sas == "":
		return access{}, "It has neither an AccountKey nor a SharedAccessSignature."
	case found.service == "" && !accountPattern.MatchString(found.account):
		return access{}, "It has neither a BlobEndpoint nor the AccountName of an account."
	}
	if found.key != "" {
		found.sas = ""
	}
	if found.service == "" {
		protocol, suffix := values["defaultendpointsprotocol"], values["endpointsuffix"]
		if protocol == "" {
			protocol = "https"
		}
		if suffix == "" {
			suffix = "core.windows.net"
		}
		found.service = protocol + "://" + found.account + ".blob." + suffix
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

// expired tells since when a shared access signature is of no use any more; the zero time while it is, or may be.
func (a *access) expired(now time.Time) time.Time {
	values, _ := url.ParseQuery(a.sas)
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04Z", time.DateOnly} {
		if end, err := time.Parse(form, values.Get("se")); err == nil && !end.After(now) {
			return end.UTC()
		}
	}
	return time.Time{}
}

// conceal strikes the credentials out of a text.
func (a *access) conceal(text string) string {
	values, _ := url.ParseQuery(a.sas)
	for _, secret := range []string{a.sas, a.key, values.Get("sig"), url.QueryEscape(values.Get("sig"))} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}
