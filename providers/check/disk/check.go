package disk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// check implements providers.Check.
type check struct {
	config Config
	host   providers.Runner
}

// usage is a line of df: of kibibytes, or of inodes. What an ordinary user cannot have is in neither.
type usage struct {
	used, free int64
	mount      string
}

// percent is the part that is used, as df says it but not rounded up; 0 where the file system does not count.
func (u usage) percent() float64 {
	if u.used+u.free == 0 {
		return 0
	}
	return 100 * float64(u.used) / float64(u.used+u.free)
}

// Probe asks df, which POSIX has wherever there is a shell.
func (c *check) Probe(ctx context.Context) (providers.Finding, error) {
	space, err := c.df(ctx, "-Pk")
	if err != nil {
		return providers.Finding{}, err
	}
	inodes, err := c.df(ctx, "-Pi")
	if err != nil {
		return providers.Finding{}, err
	}
	finding := providers.Finding{Verdict: providers.Passed}
	finding.Figure("used_percent", space.percent())
	finding.Figure("free_bytes", float64(space.free*1024))
	finding.Figure("used_inodes_percent", inodes.percent())
	finding.Add(c.verdict(space.percent()), fmt.Sprintf("%s is %.0f %% full, %s free", space.mount, space.percent(), units.Bytes(space.free*1024)))
	if verdict := c.verdict(inodes.percent()); verdict != providers.Passed {
		finding.Add(verdict, fmt.Sprintf("%.0f %% of its inodes are used", inodes.percent()))
	}
	return finding, nil
}

func (c *check) verdict(percent float64) providers.Verdict {
	switch {
	case percent > float64(c.config.Fail):
		return providers.Failed
	case percent > float64(c.config.Warn):
		return providers.Warned
	}
	return providers.Passed
}

func (c *check) df(ctx context.Context, option string) (usage, error) {
	var output bytes.Buffer
	err := c.host.Run(ctx, providers.Command{
		Arguments: []string{"df", option, "--", c.config.Path}, Environment: []string{"LC_ALL=C"}, Stdout: &output,
	})
	if err != nil {
		return usage{}, fmt.Errorf("asking how full the file system of %s is: %w", c.config.Path, err)
	}
	found, err := parseUsage(output.String())
	if err != nil {
		return usage{}, fmt.Errorf("asking how full the file system of %s is: %w", c.config.Path, err)
	}
	return found, nil
}

// parseUsage reads what "df -P" prints (POSIX.1-2017, df): a line of titles, and one of which the second to fourth fields
// are all, used and available, and the sixth and what follows the mount point. The device may have spaces in its name.
func parseUsage(text string) (usage, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 2 {
		return usage{}, fmt.Errorf("df printed %d lines, not 2", len(lines))
	}
	fields := strings.Fields(lines[1])
	for at := 4; at < len(fields)-1; at++ {
		if !strings.HasSuffix(fields[at], "%") && fields[at] != "-" {
			continue
		}
		used, errUsed := number(fields[at-2])
		free, errFree := number(fields[at-1])
		if errUsed == nil && errFree == nil {
			return usage{used: used, free: free, mount: strings.Join(fields[at+1:], " ")}, nil
		}
	}
	return usage{}, errors.New("df printed something else than numbers: " + lines[1])
}

// number reads a field; "-" is what is not counted.
func number(text string) (int64, error) {
	if text == "-" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil && n < 0 {
		// More is used than an ordinary user may.
		n = 0
	}
	return n, err
}
