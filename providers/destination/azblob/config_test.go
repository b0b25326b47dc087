package azblob

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/blobstorage"
)

func TestValidate(t *testing.T) {
	const key, token = "c2VjcmV0LXNlY3JldC1zZWNyZXQ=", "sv=2026-01-01&sp=rcwdl&sig=secret-secret-secret"
	for name, test := range map[string]struct {
		config    Config
		attribute string // "-" where nothing is wrong
	}{
		"default credentials":          {Config{Account: "account"}, "-"},
		"key":                          {Config{Account: "account", Key: key}, "-"},
		"token":                        {Config{Account: "account", SAS: token}, "-"},
		"token with a question mark":   {Config{Account: "account", SAS: "?" + token}, "-"},
		"prefix":                       {Config{Account: "account", Prefix: "Cópias de segurança/漢字 #1?"}, "-"},
		"private cloud":                {Config{Account: "account", Endpoint: "https://account.blob.core.usgovcloudapi.net"}, "-"},
		"emulator":                     {Config{Account: "account", Key: key, Endpoint: "http://[::1]:10000/account"}, "-"},
		"connection string":            {Config{ConnectionString: "DefaultEndpointsProtocol=https;AccountName=account;AccountKey=" + key + ";EndpointSuffix=core.windows.net"}, "-"},
		"connection string, signature": {Config{ConnectionString: "BlobEndpoint=https://account.blob.core.windows.net/;SharedAccessSignature=" + token}, "-"},
		"nothing":                      {Config{}, "account"},
		"invalid account":              {Config{Account: "My Account"}, "account"},
		"other account":                {Config{Account: "other", ConnectionString: "AccountName=account;AccountKey=" + key}, "account"},
		"two credentials":              {Config{Account: "account", Key: key, SAS: token}, "sas_token"},
		"two others":                   {Config{Key: key, ConnectionString: "AccountName=account;AccountKey=" + key}, "connection_string"},
		"invalid key":                  {Config{Account: "account", Key: "secret-secret"}, "account_key"},
		"address for a token":          {Config{Account: "account", SAS: "https://account.blob.core.windows.net/"}, "sas_token"},
		"empty connection string":      {Config{ConnectionString: "secret"}, "connection_string"},
		"no key in it":                 {Config{ConnectionString: "AccountName=account"}, "connection_string"},
		"no account in it":             {Config{ConnectionString: "AccountKey=" + key}, "connection_string"},
		"invalid key in it":            {Config{ConnectionString: "AccountName=account;AccountKey=secret-secret"}, "connection_string"},
		"two endpoints":                {Config{Endpoint: "https://x", ConnectionString: "AccountName=account;AccountKey=" + key}, "endpoint"},
		"cleartext in it":              {Config{ConnectionString: "DefaultEndpointsProtocol=http;AccountName=account;AccountKey=" + key}, "connection_string"},
		"cleartext":                    {Config{Account: "account", Key: key, Endpoint: "http://storage.example.org"}, "endpoint"},
		"cleartext, named like here":   {Config{Account: "account", Key: key, Endpoint: "http://localhost.example.org"}, "endpoint"},
		"cleartext, default":           {Config{Account: "account", Endpoint: "http://127.0.0.1:10000/account"}, "endpoint"},
		"token in the endpoint":        {Config{Account: "account", Endpoint: "https://x/?" + token}, "endpoint"},
		"no address":                   {Config{Account: "account", Endpoint: "secret"}, "endpoint"},
		"leading slash":                {Config{Account: "account", Prefix: "/a"}, "prefix"},
		"parent folder":                {Config{Account: "account", Prefix: "a/../b"}, "prefix"},
		"line break":                   {Config{Account: "account", Prefix: "a\nb"}, "prefix"},
		"long prefix":                  {Config{Account: "account", Prefix: strings.Repeat("é", 513)}, "prefix"},
	} {
		t.Run(name, func(t *testing.T) {
			test.config.Container = "container"
			problems := test.config.Validate()
			if test.attribute == "-" && len(problems) != 0 || test.attribute != "-" && (len(problems) != 1 || problems[0].Attribute != test.attribute) {
				t.Errorf("problems: %+v", problems)
			}
			if said := fmt.Sprint(problems); strings.Contains(said, "secret") || strings.Contains(said, key) {
				t.Errorf("a problem has a secret: %s", said)
			}
		})
	}
	for _, container := range []string{"", "ab", "Ab-c", "-abc", "a--b", "abc-", strings.Repeat("a", 64), "a-" + strings.Repeat("a-", 40) + "b"} {
		if problems := (&Config{Account: "account", Container: container}).Validate(); len(problems) != 1 || problems[0].Attribute != "container" {
			t.Errorf("container %q: %+v", container, problems)
		}
	}
}

func TestAccess(t *testing.T) {
	const key = "c2VjcmV0"
	for name, test := range map[string]struct {
		config Config
		want   blobstorage.Access
	}{
		"default":  {Config{Account: "account"}, blobstorage.Access{Account: "account", Service: "https://account.blob.core.windows.net", Key: "", SAS: ""}},
		"endpoint": {Config{Account: "account", Endpoint: "https://x.example/account/", SAS: "?sig=x"}, blobstorage.Access{Account: "account", Service: "https://x.example/account", Key: "", SAS: "sig=x"}},
		"connection string": {Config{ConnectionString: " accountname=account; AccountKey=" + key + ";EndpointSuffix=core.chinacloudapi.cn; "},
			blobstorage.Access{Account: "account", Service: "https://account.blob.core.chinacloudapi.cn", Key: key, SAS: ""}},
		"of an emulator": {Config{ConnectionString: "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=" + key + ";BlobEndpoint=http://127.0.0.1:10000/a;QueueEndpoint=http://127.0.0.1:10001/a;"},
			blobstorage.Access{Account: "a", Service: "http://127.0.0.1:10000/a", Key: key, SAS: ""}},
	} {
		if found, problem := test.config.location().Access(); problem != nil || found != test.want {
			t.Errorf("%s: %+v, %+v", name, found, problem)
		}
	}
}

func TestExpired(t *testing.T) {
	now := time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)
	for end, want := range map[string]bool{
		"": false, "se=2026-11-25T00:59:59Z": true, "se=2026-11-25T01:00:01Z": false, "se=2026-11-24": true, "se=2026-11-25T00%3A30Z": true, "se=nonsense": false,
	} {
		if got := !(&blobstorage.Access{SAS: end}).Expired(now).IsZero(); got != want {
			t.Errorf("%q is expired: %v", end, got)
		}
	}
}
