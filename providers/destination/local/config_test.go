package local

import (
	"errors"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	host "github.com/castrolanda/imsctl/providers/host/local"
)

func TestValidate(t *testing.T) {
	vm := providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}
	here := providers.Reference{Kind: providers.KindHost, Address: "host.local"}
	source := providers.Reference{Kind: providers.KindSource, Address: "source.files.x"}
	for _, test := range []struct {
		name      string
		config    Config
		attribute string
	}{
		{"absolute", Config{Path: "/var/backups"}, ""},
		{"relative", Config{Path: "backups"}, ""},
		{"relative here", Config{Path: "backups", Host: here}, ""},
		{"absolute there", Config{Path: "/var/backups", Host: vm}, ""},
		{"relative there", Config{Path: "backups", Host: vm}, "path"},
		{"empty", Config{}, "path"},
		{"home", Config{Path: "~/backups"}, "path"},
		{"tilde in a name", Config{Path: "/backups/~x"}, ""},
		{"NUL", Config{Path: "/a\x00b"}, "path"},
		{"not a host", Config{Path: "/a", Host: source}, "host"},
	} {
		t.Run(test.name, func(t *testing.T) {
			problems := test.config.Validate()
			if test.attribute == "" && len(problems) != 0 || test.attribute != "" && (len(problems) != 1 || problems[0].Attribute != test.attribute) {
				t.Errorf("problems: %+v", problems)
			}
		})
	}
}

func TestDestinationResolvesPathAndHost(t *testing.T) {
	asked := providers.Reference{Kind: providers.KindHost, Address: "host.local"}
	environment := providers.Environment{
		Directory: "/etc/backup",
		Hosts: func(reference providers.Reference) (providers.Host, error) {
			if reference != asked {
				return nil, errors.New("no such host")
			}
			return host.New(), nil
		},
	}
	for path, want := range map[string]string{"x/../copies": "/etc/backup/copies", "/srv//copies/": "/srv/copies", ".": "/etc/backup"} {
		made, err := (&Config{Path: path, Host: asked}).Destination(environment)
		if err != nil {
			t.Fatal(err)
		}
		if root := made.(*destination).root; root != want {
			t.Errorf("path %q is %q, want %q", path, root, want)
		}
	}
	if _, err := (&Config{Path: "/x"}).Destination(environment); err == nil {
		t.Error("a host that is not there was accepted")
	}
}

func TestProviderMakesAConfiguration(t *testing.T) {
	if _, ok := Provider().New().(providers.DestinationConfig); !ok {
		t.Error("the configuration is not that of a destination")
	}
}

// TestAssumedUploadRate: a disk takes more than a line.
func TestAssumedUploadRate(t *testing.T) {
	for address, want := range map[string]float64{"": 200e6, "host.local.this": 200e6, "host.ssh.other": providers.UsualUploadRate} {
		config := &Config{Path: "/backups"}
		if address != "" {
			config.Host = providers.Reference{Kind: providers.KindHost, Address: address}
		}
		if got := config.AssumedUploadRate(); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
}
