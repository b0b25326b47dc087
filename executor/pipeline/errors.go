package pipeline

import "errors"

// Errors that callers act on. What this package returns wraps them: errors.Is finds them.
var (
	// ErrIncomplete: the source says that it is done, but what it wrote has no right beginning or end, or is empty.
	ErrIncomplete = errors.New("the source's output is not whole")
	// ErrNotReproduced: decompressing what was about to be stored does not give back what the source wrote. The compressor
	// or the machine's memory is at fault, and nothing was kept.
	ErrNotReproduced = errors.New("what was compressed does not decompress to what was read")
	// ErrNotSealed: decrypting what was about to be stored does not give back what was to be encrypted, and nothing was kept.
	ErrNotSealed = errors.New("what was encrypted does not decrypt to what it was")
	// ErrStalled: a destination took no data for too long and was given up, so that the others and the source need not wait.
	ErrStalled = errors.New("the destination has stalled")
	// ErrAbandoned: a destination does not return although it was told to stop. What it is doing there may end later, or never.
	ErrAbandoned = errors.New("the destination does not return")
	// ErrSlow: a destination was slower than the source and the others, and was left behind. It can have a copy afterwards.
	ErrSlow = errors.New("the destination is slower than the source")
	// ErrAltered: an object was read, and it is not the one that was recorded. Trouble with reading it is never this error.
	ErrAltered = errors.New("the copy is not what was stored")
)

// ErrUnreadable: the original of a copy could not be opened or read to its end; nothing is known of its bytes.
var ErrUnreadable = errors.New("the original cannot be read")

// errAllFailed stops the source when no branch is left; the errors of the branches say why.
var errAllFailed = errors.New("no destination is left")

// errNotKept is what branches are told when the stream failed elsewhere.
var errNotKept = errors.New("the stream is not kept")
