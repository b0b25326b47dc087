package directory

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// mount is a line of Linux's mountinfo.
type mount struct {
	// device is the file system, root the folder in it that is mounted at point.
	device, root, point string
}

// mounts reads mountinfo; lines that are none are left out.
func parseMounts(text string) []mount {
	var all []mount
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) >= 5 {
			all = append(all, mount{device: fields[2], root: unescape(fields[3]), point: unescape(fields[4])})
		}
	}
	return all
}

// unescape turns the octal numbers of mountinfo into what they stand for.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) && isOctal(text[i+1:i+4]) {
			b.WriteByte((text[i+1]-'0')<<6 | (text[i+2]-'0')<<3 | (text[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

func isOctal(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < '0' || r > '7' }) && text[0] <= '3'
}

// ownMounts are the mounts as the host itself sees them.
func (c *cleaner) ownMounts(ctx context.Context) ([]mount, error) {
	text, err := c.run(ctx, "cat", "/proc/self/mountinfo")
	if err != nil {
		return nil, fmt.Errorf("what is mounted on %s cannot be seen: %w", c.host.Name(), err)
	}
	return parseMounts(text), nil
}

// mountsBelow lists the mount points at and below a folder, sorted.
func (c *cleaner) mountsBelow(ctx context.Context, folder string) ([]string, error) {
	mounts, err := c.ownMounts(ctx)
	if err != nil {
		return nil, err
	}
	var points []string
	for _, one := range mounts {
		if isBelow(one.point, folder) {
			points = append(points, one.point)
		}
	}
	slices.Sort(points)
	return points, nil
}

// onDevice says on which file system a path is, and where in it, as the mounts tell that are seen where the path is meant.
func onDevice(mounts []mount, at string) (device, within string) {
	best := ""
	for _, one := range mounts {
		if isBelow(at, one.point) && len(one.point) >= len(best) {
			best = one.point
			device, within = one.device, path.Join(one.root, strings.TrimPrefix(at, strings.TrimSuffix(one.point, "/")))
		}
	}
	return device, within
}

// elsewhere lists the places where the folder, or something in it, is mounted by others.
func elsewhere(own, theirs []mount, folder string) []string {
	device, within := onDevice(own, folder)
	var points []string
	for _, one := range theirs {
		if device != "" && one.device == device && within != "/" && isBelow(one.root, within) {
			points = append(points, one.point)
		}
	}
	return points
}
