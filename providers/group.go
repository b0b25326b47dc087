package providers

import "context"

// Group is a Source that stands for several, which come and go, such as every database of a server. It is never read itself:
// each of its members has artifacts of its own. Its Format is that of every member, and its Inspect finds out whether the
// members can be listed.
type Group interface {
	Source
	// Members names what there is now, sorted.
	Members(ctx context.Context) ([]string, error)
	// Member is the source of one of them, whether it is there or not, without any I/O.
	Member(name string) Source
}
