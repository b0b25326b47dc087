package gcs

import (
	"net/http"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/testenv/bucket"
)

const strictBucket = "strict-bucket"

// strict is a server that is as strict as the cloud where emulators are not, behind a proxy that lets things go wrong.
type strict struct {
	*bucket.GCS
	proxy *testenv.Proxy
}

func newStrict(t *testing.T) *strict {
	served := bucket.ServeGCS(t, bucket.New(clock.System{}), strictBucket)
	return &strict{served, testenv.NewProxy(t, served.URL)}
}

// destination is the bucket with a chunk that is as small as the store allows.
func (s *strict) destination(t *testing.T) *destination {
	d := configured(t, &Config{Bucket: strictBucket, Prefix: "a prefix/ção", Endpoint: s.proxy.URL})
	d.chunkSize = 256 << 10
	return d
}

// fail lets a fault befall the first so many requests that match, all of them where times is 0.
func (s *strict) fail(fault testenv.Fault, times int, match func(*http.Request) bool) {
	s.proxy.Inject(testenv.Rule{Fault: fault, Times: times, Match: match})
}

// beforeDeletion lets something happen between the look at an object and the request that deletes it.
func (s *strict) beforeDeletion(happen func()) {
	s.fail(testenv.Slow(0), 0, func(r *http.Request) bool {
		if r.Method == http.MethodDelete {
			happen()
		}
		return false
	})
}
