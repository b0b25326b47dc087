package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Price is an amount of money, zero or more. Its text is a decimal number and the ISO 4217 code of a currency: "0.02 USD".
// The zero value is no price at all.
type Price struct {
	// Micros is the amount in millionths.
	Micros int64
	// Currency is the code: three capital letters.
	Currency string
}

// microsOfOne is how many millionths make one, and priceDigits how many digits those are.
const (
	microsOfOne = 1_000_000
	priceDigits = 6
	highest     = 1_000_000
)

// ParsePrice reads a Price. The error says what is wrong and shows a correct example.
func ParsePrice(text string) (Price, error) {
	const example = `write a number and the code of a currency, such as "0.02 USD"`
	number, currency, found := strings.Cut(strings.TrimSpace(text), " ")
	currency = strings.TrimSpace(currency)
	if !found || !isCurrency(currency) {
		return Price{}, fmt.Errorf("price %q has no currency of three capital letters: %s", text, example)
	}
	whole, fraction, _ := strings.Cut(number, ".")
	amount, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.Trim(whole+fraction, "0123456789") != "" || whole == "" {
		return Price{}, fmt.Errorf("price %q is no amount of money, zero or more: %s", text, example)
	}
	if len(fraction) > priceDigits {
		return Price{}, fmt.Errorf("price %q has more than %d digits after the point", text, priceDigits)
	}
	if amount > highest {
		return Price{}, fmt.Errorf("price %q is more than %d: %s", text, highest, example)
	}
	return Price{Micros: int64(math.Round(amount * microsOfOne)), Currency: currency}, nil
}

func isCurrency(code string) bool {
	const length = 3
	return len(code) == length && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// IsZero reports whether there is no price; something that costs nothing has one.
func (p Price) IsZero() bool { return p.Currency == "" }

// UnmarshalText implements encoding.TextUnmarshaler with ParsePrice.
func (p *Price) UnmarshalText(text []byte) error {
	parsed, err := ParsePrice(string(text))
	if err != nil {
		return err
	}
	*p = parsed
	return nil
}

// MarshalText implements encoding.TextMarshaler with String.
func (p Price) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// String prints the price exactly, with no more digits than it has, and no fewer than two after the point: "0.02 USD", "1.50 BRL".
func (p Price) String() string {
	if p.IsZero() {
		return ""
	}
	const least = 2
	fraction := strings.TrimRight(fmt.Sprintf("%06d", p.Micros%microsOfOne), "0")
	for len(fraction) < least {
		fraction += "0"
	}
	return fmt.Sprintf("%d.%s %s", p.Micros/microsOfOne, fraction, p.Currency)
}
