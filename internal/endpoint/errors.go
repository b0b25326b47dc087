package endpoint

import "errors"

// Errors that those who use a store act on. The contract of destinations has the same ones, under the same names.
var (
	// ErrNotExist: there is no object under that key.
	ErrNotExist = errors.New("no such object")
	// ErrExists: there is an object under that key already, and replacing it was not asked for.
	ErrExists = errors.New("object exists already")
	// ErrChanged: the object is not the version that was named.
	ErrChanged = errors.New("object is not the expected version")
	// ErrTemporary: the store was busy or the connection broke, and nothing was done that could be known of. The same call
	// may succeed later.
	ErrTemporary = errors.New("temporary failure")
	// ErrDenied: the store knows who asks and does not permit it, or does not know who asks.
	ErrDenied = errors.New("permission denied")
	// ErrProtected: the store keeps the object by a rule of its own: a hold, a retention policy, immutability.
	ErrProtected = errors.New("kept by the store's policy")
)

// Problem is one mistake in a block of a specification.
type Problem struct {
	// Attribute is where it is: the name of one attribute of the block, or empty for the block as a whole. That of a nested
	// block has the block's name and a dot before it ("when.disk_above").
	Attribute string
	// Summary says what is wrong in a few words ("Invalid URL"); Detail says what was found and what to do, in sentences.
	Summary, Detail string
}
