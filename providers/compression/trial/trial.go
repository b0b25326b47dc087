package trial

// Candidate is a method at a level that is tried.
type Candidate struct {
	Method string
	Level  int
	// Limit is how many bytes of the sample it is tried on, so that slow methods do not take longer than all others
	// together.
	Limit int
}

// Candidates are what is tried, in the order in which equals are preferred. The first is the yardstick by which the results
// of those that see less than the whole sample are scaled.
func Candidates() []Candidate {
	return []Candidate{
		{"zstd", 1, TrialSize},
		{"zstd", 2, TrialSize},
		{"zstd", 3, TrialSize},
		{"zstd", 5, TrialSize},
		{"zstd", 6, TrialSize},
		{"zstd", 7, TrialSize},
		{"zstd", 9, TrialSize},
		{"gzip", 1, TrialSize},
		{"gzip", 6, TrialSize},
		{"gzip", 9, TrialSize},
		{"bzip2", 9, 900_000},
		{"zstd", 19, TrialSize * 3 / 8},
		{"xz", 6, TrialSize * 7 / 8},
	}
}
