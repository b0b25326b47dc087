package executor

import (
	"github.com/castrolanda/imsctl/executor/health"
	"github.com/castrolanda/imsctl/spec"
)

// PolicyOf is how often a declared check is asked, and when that is enough.
func PolicyOf(declared *spec.Check) health.Policy {
	return health.Policy{
		Timeout: declared.Timeout, Interval: declared.Interval, Retries: declared.Retries,
		Successes: declared.Successes, StartPeriod: declared.StartPeriod, WarnOnly: declared.WarnOnly,
	}
}
