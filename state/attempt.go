package state

import "slices"

// attempt is a record of what was tried for a block, such as a drill or a deploy, of which the last ones are kept.
type attempt interface {
	comparable
	// block is the address of what it was tried for, key tells it from all others of its kind.
	block() string
	key() string
	// good: it came to what was wanted. over: it has ended.
	good() bool
	over() bool
}

// attemptsOf returns those of a block, in their order.
func attemptsOf[A attempt](all []A, address string) []A {
	var found []A
	for _, one := range all {
		if one.block() == address {
			found = append(found, one)
		}
	}
	return found
}

// putAttempt returns the attempts with one added, or in the place of the one with its key. Of those of the same block the oldest
// beyond a number go, but for the last good one and those that are not over.
func putAttempt[A attempt](all []A, added A, most int) []A {
	if i := slices.IndexFunc(all, func(other A) bool { return other.key() == added.key() }); i >= 0 {
		all = slices.Clone(all)
		all[i] = added
		return all
	}
	all = append(slices.Clip(all), added)
	var last A
	count := 0
	for _, other := range all {
		if other.block() == added.block() {
			count++
			if other.good() {
				last = other
			}
		}
	}
	return slices.DeleteFunc(all, func(other A) bool {
		if other.block() != added.block() || count <= most || other == last || !other.over() {
			return false
		}
		count--
		return true
	})
}
