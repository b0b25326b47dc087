package builtin

import (
	"fmt"

	"github.com/castrolanda/imsctl/providers"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
)

// Hosts returns a finder of the hosts that are there without being declared: host.local, which is also what the zero
// reference means. All its answers are one and the same host.
func Hosts() func(providers.Reference) (providers.Host, error) {
	local := hostlocal.New()
	return func(reference providers.Reference) (providers.Host, error) {
		if reference.IsZero() || reference == (providers.Reference{Kind: providers.KindHost, Address: providers.LocalHost}) {
			return local, nil
		}
		return nil, fmt.Errorf("host %s is not declared; only host.local is there without a block", reference.Address)
	}
}
