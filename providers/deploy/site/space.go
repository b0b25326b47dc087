package site

import (
	"context"
	"regexp"
	"strconv"

	"github.com/castrolanda/imsctl/providers"
)

// sizes are the numbers in a line of "df -P -k": all blocks, used and free ones, and how full it is.
var sizes = regexp.MustCompile(`\s(\d+)\s+\d+\s+-?\d+\s+\d+%`)

// measure finds out how much room there is. What cannot be told is left unknown.
func (s *Site) measure(ctx context.Context, view *providers.SiteView) {
	view.FreeBytes = -1
	if free, err := s.host.Files().Space(s.target.Path); err == nil {
		view.FreeBytes = free
	}
	if said, err := s.output(ctx, "", "df", "-P", "-k", "--", s.target.Path); err == nil {
		view.TotalBytes = parseTotal(string(said))
	}
}

// parseTotal reads how large a file system is, in bytes; 0 when it cannot be told.
func parseTotal(said string) int64 {
	found := sizes.FindStringSubmatch(said)
	if found == nil {
		return 0
	}
	const most = 1 << 52 // in KiB: more is no size of a disk
	blocks, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil || blocks > most {
		return 0
	}
	return blocks * 1024
}
