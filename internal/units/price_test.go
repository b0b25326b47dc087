package units_test

import (
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/units"
)

func TestParsePrice(t *testing.T) {
	for text, want := range map[string]units.Price{
		"0.02 USD": {Micros: 20_000, Currency: "USD"}, "0.000001 BRL": {Micros: 1, Currency: "BRL"}, "0 EUR": {Currency: "EUR"},
		" 12  BRL ": {Micros: 12_000_000, Currency: "BRL"}, "0.0045 USD": {Micros: 4_500, Currency: "USD"}, "1. USD": {Micros: 1_000_000, Currency: "USD"},
	} {
		got, err := units.ParsePrice(text)
		if err != nil || got != want {
			t.Errorf("%q: got %+v, %v; want %+v", text, got, err, want)
		}
		again, err := units.ParsePrice(got.String())
		if err != nil || again != got {
			t.Errorf("%q: printed as %q, which is %+v, %v", text, got, again, err)
		}
	}
}

func TestParsePriceRefuses(t *testing.T) {
	for text, reason := range map[string]string{
		"": "no currency", "0.02": "no currency", "0.02 $": "no currency", "0.02 usd": "no currency", "USD 0.02": "no currency",
		"-1 USD": "no amount", "1e3 USD": "no amount", "NaN USD": "no amount", "+1 USD": "no amount", ".5 USD": "no amount", "0x1 USD": "no amount",
		"0.0000001 USD": "more than 6 digits", "1000001 USD": "more than 1000000",
	} {
		if got, err := units.ParsePrice(text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: got %v, %v; want an error with %q", text, got, err, reason)
		}
	}
}

func TestPriceIsPrintedAsMoney(t *testing.T) {
	for price, want := range map[units.Price]string{
		{Micros: 20_000, Currency: "USD"}: "0.02 USD", {Micros: 1_500_000, Currency: "BRL"}: "1.50 BRL",
		{Micros: 4_500, Currency: "USD"}: "0.0045 USD", {Currency: "EUR"}: "0.00 EUR", {}: "",
	} {
		if got := price.String(); got != want {
			t.Errorf("%+v is %q, want %q", price, got, want)
		}
	}
}
