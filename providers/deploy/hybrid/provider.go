// Package hybrid is the strategy that sends what changed from the working copy to the host, and pushes to the remote alongside.
package hybrid

import "github.com/castrolanda/imsctl/providers"

// Provider is the entry of the registry.
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindDeploy, Type: "hybrid",
		Summary: "Only what changed goes from the working copy to the host; only the services that it touches are restarted.",
	}
}
