// Package github is the strategy that pushes a revision to a remote, from which the host fetches exactly that commit.
package github

import "github.com/castrolanda/imsctl/providers"

// Provider is the entry of the registry.
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindDeploy, Type: "github",
		Summary: "The revision goes to the remote, and the host fetches exactly that commit from it: slowest and safest.",
	}
}
