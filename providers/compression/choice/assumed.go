package choice

// Expectation is what a method is expected to do to data that was not measured.
type Expectation struct {
	// Fraction is the part that stays, Rate how many bytes one core takes in a second.
	Fraction, Rate float64
}

// Assumed is what is assumed of a method until it is measured: round figures for database dumps.
func Assumed(method string, level int) Expectation {
	switch {
	case method == "gzip" && level <= 3:
		return Expectation{0.32, 160e6}
	case method == "gzip" && level <= 6:
		return Expectation{0.30, 70e6}
	case method == "gzip":
		return Expectation{0.29, 17e6}
	case method == "zstd" && level <= 2:
		return Expectation{0.28, 200e6}
	case method == "zstd" && level <= 5:
		return Expectation{0.28, 90e6}
	case method == "zstd" && level <= 9:
		return Expectation{0.28, 28e6}
	case method == "zstd":
		return Expectation{0.26, 5e6}
	case method == "bzip2":
		return Expectation{0.26, 8e6}
	case method == "xz":
		return Expectation{0.26, 2e6}
	default:
		return Expectation{1, storing}
	}
}
