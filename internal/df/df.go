// Package df understands what the program df says of a file system.
package df

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Arguments are a command line that says how full the file system of a path is; its output, with LC_ALL=C, is for Parse. The option is
// -Pk for kibibytes and -Pi for inodes.
func Arguments(option, path string) []string { return []string{"df", option, "--", path} }

// Usage is a line of df: of kibibytes, or of inodes. What an ordinary user cannot have is in neither number.
type Usage struct {
	Used, Free int64
	Mount      string
}

// Percent is the part that is used, as df says it but not rounded up; 0 where the file system does not count.
func (u Usage) Percent() float64 {
	if u.Used+u.Free == 0 {
		return 0
	}
	return 100 * float64(u.Used) / float64(u.Used+u.Free)
}

// Parse reads what "df -P" prints (POSIX.1-2017, df): a line of titles, and one of which the second to fourth fields
// are all, used and available, and the sixth and what follows the mount point. The device may have spaces in its name.
func Parse(text string) (Usage, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if len(lines) != 2 {
		return Usage{}, fmt.Errorf("df printed %d lines, not 2", len(lines))
	}
	fields := strings.Fields(lines[1])
	for at := 4; at < len(fields)-1; at++ {
		if !strings.HasSuffix(fields[at], "%") && fields[at] != "-" {
			continue
		}
		used, errUsed := number(fields[at-2])
		free, errFree := number(fields[at-1])
		if errUsed == nil && errFree == nil {
			return Usage{Used: used, Free: free, Mount: strings.Join(fields[at+1:], " ")}, nil
		}
	}
	return Usage{}, errors.New("df printed something else than numbers: " + lines[1])
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
