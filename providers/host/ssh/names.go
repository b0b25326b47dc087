package ssh

import (
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"sync"

	"github.com/pkg/sftp"

	"github.com/castrolanda/imsctl/providers"
)

// names are what ids are called on a machine. They are read once, for a folder of a million files has a handful of owners.
type names struct {
	mu            sync.Mutex
	known         bool
	users, groups map[int]string
}

// maxNames is how much of a file of names is read, in bytes.
const maxNames = 16 << 20

// describe translates what the server says of a file.
func (f *fileSystem) describe(s server, info fs.FileInfo) providers.FileInfo {
	described := providers.FileInfo{
		Name:     path.Base(info.Name()),
		Size:     info.Size(),
		Mode:     info.Mode(),
		Modified: info.ModTime(),
	}
	if stat, ok := info.Sys().(*sftp.FileStat); ok {
		described.UID, described.GID = int(stat.UID), int(stat.GID)
		described.Owner, described.Group = f.names.of(s, described.UID, described.GID)
	}
	return described
}

// of returns the names of a user and a group, empty where they have none.
func (n *names) of(s server, user, group int) (string, string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.known {
		var complete bool
		if n.users, complete = readNames(s, "/etc/passwd"); complete {
			n.groups, complete = readNames(s, "/etc/group")
		}
		n.known = complete
	}
	return n.users[user], n.groups[group]
}

// readNames reads a file in the form of passwd(5) or group(5). One that cannot be read has no names in it; it is not
// complete when only the connection was in the way.
func readNames(s server, name string) (found map[int]string, complete bool) {
	file, err := s.Open(name)
	if err != nil {
		return nil, !s.link.isBroken()
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxNames))
	if err != nil {
		return nil, !s.link.isBroken()
	}
	return parseNames(string(text)), true
}

// parseNames reads lines of NAME:PASSWORD:ID:…, of which the first of an id counts.
func parseNames(text string) map[int]string {
	found := make(map[int]string)
	for line := range strings.Lines(text) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 4)
		if len(fields) < 3 || fields[0] == "" || strings.HasPrefix(fields[0], "#") {
			continue
		}
		id, err := strconv.ParseUint(fields[2], 10, 32)
		if err != nil {
			continue
		}
		if _, taken := found[int(id)]; !taken {
			found[int(id)] = fields[0]
		}
	}
	return found
}
