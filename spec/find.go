package spec

import "slices"

// Backup is the backup block with an address; nil when there is none.
func (s *Spec) Backup(address string) *Backup {
	return find(s.Backups, func(b *Backup) bool { return b.Address == address })
}

// Source is the source block with an address; nil when there is none.
func (s *Spec) Source(address string) *Source {
	return find(s.Sources, func(source *Source) bool { return source.Address == address })
}

// find is the first of some blocks that fits; nil when none does.
func find[B any](blocks []*B, fits func(*B) bool) *B {
	if i := slices.IndexFunc(blocks, fits); i >= 0 {
		return blocks[i]
	}
	return nil
}
