package azblob

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// unreliable is Azurite behind a proxy that lets things go wrong, and tells the rules of the cloud that Azurite does not know.
type unreliable struct {
	*testenv.Proxy
	azurite testenv.AzuriteServer
}

func newUnreliable(t *testing.T, azurite testenv.AzuriteServer) *unreliable {
	return &unreliable{testenv.NewProxy(t, azurite.Endpoint), azurite}
}

// fail lets a fault befall the first so many requests that match, all of them where times is 0.
func (u *unreliable) fail(fault testenv.Fault, times int, match func(*http.Request) bool) {
	u.Inject(testenv.Rule{Fault: fault, Times: times, Match: match})
}

// destination is a container of its own, with small blocks.
func (u *unreliable) destination(t *testing.T) *destination {
	t.Helper()
	d := configured(t, &Config{Account: u.azurite.Account, Key: u.azurite.Key, Endpoint: u.URL + "/" + u.azurite.Account, Prefix: "a prefix/ção",
		Container: strings.ToLower(strings.Trim(fmt.Sprintf("c-%x", uniqueName(t)), "-"))})
	d.blockSize = 64 << 10
	createContainer(t, d)
	return d
}

// busy is what the store says when it has too much to do.
func busy() testenv.Fault { return testenv.AzureAnswer(503, "ServerBusy") }

// isWrite reports whether a request brings bytes or makes a blob, isMaking whether it makes one.
func isWrite(r *http.Request) bool {
	return r.Method == http.MethodPut && r.URL.Query().Get("restype") == ""
}

func isMaking(r *http.Request) bool { return isWrite(r) && r.URL.Query().Get("comp") != "block" }

func isDeletion(r *http.Request) bool { return r.Method == http.MethodDelete }
