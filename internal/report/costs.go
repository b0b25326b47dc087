package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/units"
)

// costView is what the destinations hold and cost.
type costView struct {
	Rows []costRow
	// Totals are one for each currency, in the order of their codes.
	Totals []costTotal
	// Unknown is how many destinations have no price; Until the end of what is foretold.
	Unknown int
	Until   string
}

// costRow is one destination. Costs are empty where the price is unknown.
type costRow struct {
	Destination, Copies, Bytes, Later string
	Price, Cost, LaterCost            string
	// Share is how much it holds of what the fullest does, in percent.
	Share float64
}

// costTotal is the sum of a currency.
type costTotal struct{ Currency, Cost, LaterCost string }

// perGigabyte is what a price is for.
const perGigabyte = 1 << 30

// cost is what bytes cost a month, in the currency.
func cost(bytes int64, price units.Price) float64 {
	const microsOfOne = 1e6
	return float64(bytes) / perGigabyte * float64(price.Micros) / microsOfOne
}

// money prints an amount, to the cent; what is less than a cent is said to be.
func money(amount float64, currency string) string {
	const cent = 0.01
	if amount > 0 && amount < cent {
		return "under 0.01 " + currency
	}
	return fmt.Sprintf("%.2f %s", amount, currency)
}

func (b *builder) costs() *costView {
	v := &costView{Until: b.date(b.Until)}
	most := int64(1)
	for _, destination := range b.Destinations {
		most = max(most, destination.Bytes)
	}
	for _, destination := range b.Destinations {
		row := costRow{
			Destination: destination.Address, Copies: fmt.Sprint(destination.Copies), Bytes: units.Bytes(destination.Bytes), Later: units.Bytes(destination.LaterBytes),
			Share: round(100 * float64(destination.Bytes) / float64(most)),
		}
		if price := destination.Price; price.IsZero() {
			v.Unknown++
		} else {
			row.Price = price.String()
			row.Cost, row.LaterCost = money(cost(destination.Bytes, price), price.Currency), money(cost(destination.LaterBytes, price), price.Currency)
		}
		v.Rows = append(v.Rows, row)
	}
	now, later := b.sums()
	for _, currency := range currencies(now) {
		v.Totals = append(v.Totals, costTotal{currency, money(now[currency], currency), money(later[currency], currency)})
	}
	return v
}

// sums are the costs of a month by currency: of what is there, and of what is about to be.
func (b *builder) sums() (now, later map[string]float64) {
	now, later = make(map[string]float64), make(map[string]float64)
	for _, destination := range b.Destinations {
		if price := destination.Price; !price.IsZero() {
			now[price.Currency] += cost(destination.Bytes, price)
			later[price.Currency] += cost(destination.LaterBytes, price)
		}
	}
	return now, later
}

func currencies(sums map[string]float64) []string {
	var codes []string
	for code := range sums {
		codes = append(codes, code)
	}
	slices.Sort(codes)
	return codes
}

// monthly is the cost as a figure at the head of the page.
func (b *builder) monthly() figure {
	const name = "Estimated cost a month"
	sums, _ := b.sums()
	if len(sums) == 0 {
		return figure{name, "unknown", "no destination has a price"}
	}
	var amounts []string
	for _, currency := range currencies(sums) {
		amounts = append(amounts, money(sums[currency], currency))
	}
	priced := 0
	for _, destination := range b.Destinations {
		if !destination.Price.IsZero() {
			priced++
		}
	}
	note := "all destinations have a price"
	if priced < len(b.Destinations) {
		note = fmt.Sprintf("%d of %d destinations have a price", priced, len(b.Destinations))
	}
	return figure{name, strings.Join(amounts, " + "), note}
}
