package choice

// The caution with which balanced holds what a sample says against gzip -9: by how much a method must be smaller, as a part of
// what gzip -9 leaves, because the rest of a stream may be of another kind than its beginning. How much that changes depends on
// the method: those that search least depend on the data most.
const (
	hasty     = 0.06  // zstd up to level 4, which looks at one place or two for what it has seen before
	searching = 0.005 // the others, which compress long streams better than samples, mostly by more than the rest may differ
	// fullCaution is the part that gzip -9 takes off from which on all of that is needed. What does not compress at all is no
	// smaller with any method, so that it needs none.
	fullCaution = 0.6
	// alike is by how much what the whole became in an earlier run may differ from what its beginning does now to count as
	// the same. Then searching is enough for all.
	alike = 0.05
)

// reference is what gzip -9 leaves: what was measured of it, otherwise what the method gzip 9 does; 0 when neither is known.
func (q Question) reference(options []Option) float64 {
	if q.Reference > 0 {
		lesson, _ := q.lesson()
		return min(1, q.Reference*lesson)
	}
	for _, o := range options {
		if o.isGzip9() {
			return o.Fraction
		}
	}
	return 0
}

func (o Option) isGzip9() bool { return o.Method == "gzip" && o.Level == 9 }

// permitted tells which options the goal permits. Where none of them is safely small enough, those are permitted that seem to be,
// and where none is, all.
func (q Question) permitted(options []Option) func(Option) bool {
	least := q.reference(options)
	all := func(Option) bool { return true }
	if q.Goal != Balanced || least == 0 {
		return all
	}
	safely := func(o Option) bool { return o.Fraction <= least*(1-q.margin(o, least)) }
	seemingly := func(o Option) bool { return o.Fraction <= least || o.isGzip9() }
	for _, allowed := range []func(Option) bool{safely, seemingly} {
		for _, o := range options {
			if allowed(o) {
				return allowed
			}
		}
	}
	return all
}

// margin is the caution that an option needs where gzip -9 leaves so much.
func (q Question) margin(o Option, least float64) float64 {
	lesson, known := q.lesson()
	margin := searching
	switch {
	case q.Whole:
		return 0
	case known && lesson > 1-alike && lesson < 1+alike:
	case o.Method == "zstd" && o.Level <= 4:
		margin = hasty
	}
	return margin * min(1, max(0, 1-least)/fullCaution)
}

// lesson is how many times as large as the sample says the whole became in the newest of the earlier runs whose method was tried,
// if there was one.
func (q Question) lesson() (times float64, known bool) {
	if q.Whole {
		return 1, false
	}
	for _, past := range q.Past {
		for _, m := range q.Measurements {
			if m.Method == past.Method && m.Level == past.Level && m.Fraction > 0 && past.Fraction > 0 {
				return past.Fraction / m.Fraction, true
			}
		}
	}
	return 1, false
}
