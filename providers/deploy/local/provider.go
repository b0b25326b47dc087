// Package local is the strategy that restarts the services at the revision that is on the host.
package local

import "github.com/castrolanda/imsctl/providers"

// Provider is the entry of the registry.
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindDeploy, Type: "local",
		Summary: "The services are restarted, or made anew, at the revision that is there.",
	}
}
