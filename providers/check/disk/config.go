// Package disk checks that a file system has enough room.
package disk

import (
	"fmt"

	"github.com/castrolanda/imsctl/providers"
)

// Provider is the registry's entry: check "disk".
func Provider() providers.Provider {
	return providers.Provider{
		Kind:    providers.KindCheck,
		Type:    "disk",
		Summary: "A file system with enough room.",
		New:     func() providers.Config { return &Config{Path: "/", Warn: 80, Fail: 95} },
	}
}

// Config is the body of the block.
type Config struct {
	Host providers.Reference `hcl:"host,optional" doc:"The host it is on; the machine imsctl runs on when left out."`
	Path string              `hcl:"path,optional" doc:"A path on the file system; / when left out."`
	Warn int64               `hcl:"warn,optional" doc:"Warn when more than this is used, of the bytes or the inodes, in percent; 80 when left out."`
	Fail int64               `hcl:"fail,optional" doc:"Fail when more than this is used, of the bytes or the inodes, in percent; 95 when left out."`

	WarnDays int64 `hcl:"warn_days,optional" doc:"Warn when it is full, or out of inodes, in fewer days than this, as it has filled up so far; no limit when left out."`
	FailDays int64 `hcl:"fail_days,optional" doc:"Fail when it is full, or out of inodes, in fewer days than this; no limit when left out."`
}

// Validate checks what the types alone do not show.
func (c *Config) Validate() []providers.Problem {
	if c.Warn < 1 || c.Fail > 100 || c.Warn > c.Fail {
		return []providers.Problem{{Attribute: "warn", Summary: "Invalid percentages", Detail: "warn and fail are percentages, and warn is not above fail."}}
	}
	if c.WarnDays < 0 {
		return []providers.Problem{{Attribute: "warn_days", Summary: "Invalid number of days", Detail: fmt.Sprintf("warn_days is %d; it must be 1 or more.", c.WarnDays)}}
	}
	if c.FailDays < 0 {
		return []providers.Problem{{Attribute: "fail_days", Summary: "Invalid number of days", Detail: fmt.Sprintf("fail_days is %d; it must be 1 or more.", c.FailDays)}}
	}
	if c.WarnDays > 0 && c.FailDays > c.WarnDays {
		return []providers.Problem{{Attribute: "fail_days", Summary: "Invalid number of days", Detail: fmt.Sprintf("fail_days is %d, above warn_days, %d: it would fail before it warns.", c.FailDays, c.WarnDays)}}
	}
	return nil
}

// Check makes the check.
func (c *Config) Check(environment providers.Environment) (providers.Check, error) {
	host, err := environment.Hosts(c.Host)
	if err != nil {
		return nil, err
	}
	return &check{config: *c, host: host, clock: environment.Clock}, nil
}
