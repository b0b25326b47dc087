// Package vm is the strategy that lets the host pull and deploy alone, detached from the connection.
package vm

import "github.com/castrolanda/imsctl/providers"

// Provider is the entry of the registry.
func Provider() providers.Provider {
	return providers.Provider{
		Kind: providers.KindDeploy, Type: "vm",
		Summary: "The host pulls and deploys alone, detached from our connection.",
	}
}
