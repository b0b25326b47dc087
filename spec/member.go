package spec

import (
	"strconv"
	"strings"
)

// MemberAddress is the address of one member of what a block stands for. Where the block is one of several itself, the key has
// both: backup.all["eu"] has backup.all["eu/ims"].
func MemberAddress(address, name string) string {
	block, key, ok := cutInstance(address)
	if !ok {
		return instanceAddress(address, name)
	}
	return instanceAddress(block, key+"/"+name)
}

// MemberOf is the name of the member that an address is of, where it is one of that block's.
func MemberOf(address, of string) (name string, ok bool) {
	block, key, ok := cutInstance(address)
	if !ok {
		return "", false
	}
	around, outer, several := cutInstance(of)
	if !several {
		return key, block == of
	}
	name, ok = strings.CutPrefix(key, outer+"/")
	return name, ok && block == around
}

// cutInstance divides the address of an instance into that of its block and its key.
func cutInstance(address string) (block, key string, ok bool) {
	block, index, found := strings.Cut(address, "[")
	key, err := strconv.Unquote(strings.TrimSuffix(index, "]"))
	return block, key, found && err == nil
}

// MemberFolders is what the names of the backups of all members of a block begin with.
func MemberFolders(address string) string { return BackupName(MemberAddress(address, "")) }

// MemberIn is the address of the member of a block whose backup has a name, such as that of a folder.
func MemberIn(address, name string) (member string, ok bool) {
	escaped, found := strings.CutPrefix(name, MemberFolders(address))
	if !found {
		return "", false
	}
	var text strings.Builder
	for i := 0; i < len(escaped); i++ {
		if escaped[i] != '%' {
			text.WriteByte(escaped[i])
			continue
		}
		if i+2 >= len(escaped) {
			return "", false
		}
		character, err := strconv.ParseUint(escaped[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		text.WriteByte(byte(character))
		i += 2
	}
	member = MemberAddress(address, text.String())
	return member, BackupName(member) == name
}
