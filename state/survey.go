package state

import "fmt"

// Survey is what methods of compression made of pieces from all over the stream of an artifact, for the runs to come.
type Survey struct {
	// Head is the part that a fast encoder left of the beginning, by which the same stream is recognised.
	Head float64 `json:"head"`
	// Reference is the part that gzip -9 is expected to leave of the whole.
	Reference float64 `json:"reference"`
	// Texture is the part that the fast encoder left of cells from all over the whole, Spread how much they differed in that, as a part of it;
	// 0 in surveys of earlier versions.
	Texture float64 `json:"texture,omitzero"`
	Spread  float64 `json:"spread,omitzero"`
	// Speedup is how many times as fast as one all processors were together, 0 when that was not measured.
	Speedup float64 `json:"speedup,omitzero"`
	Tried   []Tried `json:"tried"`
}

// Tried is what one method left of the pieces of a survey.
type Tried struct {
	Method   string  `json:"method"`
	Level    int     `json:"level"`
	Fraction float64 `json:"fraction"`
	// Rate is how many bytes one processor took in a second, 0 when that was not measured.
	Rate float64 `json:"rate,omitzero"`
}

// check says what cannot be right in a survey.
func (s *Survey) check() error {
	if s == nil {
		return nil
	}
	if s.Head <= 0 || s.Reference <= 0 || s.Speedup < 0 || s.Texture < 0 || s.Spread < 0 {
		return fmt.Errorf("its survey says %g of the beginning, %g of gzip, %g of the processors, %g and %g of its cells", s.Head, s.Reference, s.Speedup, s.Texture, s.Spread)
	}
	for _, tried := range s.Tried {
		if tried.Fraction <= 0 || tried.Rate < 0 {
			return fmt.Errorf("its survey says that %s %d left %g at %g bytes per second", tried.Method, tried.Level, tried.Fraction, tried.Rate)
		}
	}
	return nil
}
