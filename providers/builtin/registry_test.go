package builtin

import (
	"slices"
	"testing"

	"github.com/castrolanda/imsctl/providers"
)

func TestEveryProviderIsWhatItsKindSays(t *testing.T) {
	registry, err := Registry()
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[providers.Kind][]string{
		providers.KindHost:        {"local", "ssh"},
		providers.KindSource:      {"postgres", "redis", "files", "docker_logs", "command"},
		providers.KindDestination: {"local", "gcs", "azblob"},
		providers.KindCheck:       {"http", "tcp", "postgres", "redis", "containers", "disk", "paths", "command"},
		providers.KindDeploy:      {"github", "hybrid", "local", "vm"},
		providers.KindCleanup:     {"directory", "docker", "logs"},
		providers.KindNotify:      {"webhook", "smtp", "command"},
	} {
		types := registry.Types(kind)
		if !slices.Equal(types, want) {
			t.Errorf("the types of %s are %q, want %q", kind, types, want)
		}
		for _, typ := range types {
			provider, _ := registry.Lookup(kind, typ)
			if kind == providers.KindDeploy {
				continue
			}
			if provider.Summary == "" {
				t.Errorf("%s %q has no summary", kind, typ)
			}
			config, fits := provider.New(), false
			switch kind {
			case providers.KindHost:
				_, fits = config.(providers.HostConfig)
			case providers.KindSource:
				_, fits = config.(providers.SourceConfig)
			case providers.KindDestination:
				_, fits = config.(providers.DestinationConfig)
			case providers.KindCheck:
				_, fits = config.(providers.CheckConfig)
				if _, later := config.(providers.NotBuilder); later {
					fits = true
				}
			default:
				fits = config != nil
			}
			if !fits {
				t.Errorf("%s %q makes a %T, which is no configuration of a %s", kind, typ, config, kind)
			}
			if kind != providers.KindHost && provider.New() == config {
				t.Errorf("%s %q hands out one configuration twice", kind, typ)
			}
		}
	}
}

func TestCodecs(t *testing.T) {
	registry, err := Registry()
	if err != nil {
		t.Fatal(err)
	}
	if codec, err := registry.Codec("gzip", providers.DefaultLevel); err != nil || codec.Method() != "gzip" {
		t.Errorf("got %v, %v", codec, err)
	}
}

func TestOnlyTheLocalHostIsThereUndeclared(t *testing.T) {
	hosts := Hosts()
	first, err := hosts(providers.Reference{})
	if err != nil || first.Name() != "local" {
		t.Fatalf("got %v, %v", first, err)
	}
	if second, err := hosts(providers.Reference{Kind: providers.KindHost, Address: "host.local"}); err != nil || second != first {
		t.Errorf("got %v, %v", second, err)
	}
	if _, err := hosts(providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}); err == nil {
		t.Error("an undeclared host was found")
	}
}
