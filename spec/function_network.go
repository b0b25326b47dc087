package spec

import (
	"fmt"
	"math/big"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// networkFunctions are about addresses of networks, such as 10.0.0.0/8.
var networkFunctions = map[string]function.Function{
	"cidrhost": networkFunction(func(network netip.Prefix, numbers []int64) (string, error) {
		address, err := numbered(network, network.Addr().BitLen(), numbers[0])
		return address.String(), err
	}, "host"),
	"cidrnetmask": networkFunction(func(network netip.Prefix, _ []int64) (string, error) {
		if !network.Addr().Is4() {
			return "", fmt.Errorf("only IPv4 networks have a mask")
		}
		mask := netip.AddrFrom4([4]byte{255, 255, 255, 255})
		return netip.PrefixFrom(mask, network.Bits()).Masked().Addr().String(), nil
	}),
	"cidrsubnet": networkFunction(func(network netip.Prefix, numbers []int64) (string, error) {
		bits := network.Bits() + int(numbers[0])
		if numbers[0] < 0 || numbers[0] > 128 || bits > network.Addr().BitLen() {
			return "", fmt.Errorf("%s cannot be divided with %d more bits", network, numbers[0])
		}
		address, err := numbered(network, bits, numbers[1])
		return netip.PrefixFrom(address, bits).String(), err
	}, "bits", "number"),
}

// networkFunction makes a function of a network and whole numbers.
func networkFunction(f func(netip.Prefix, []int64) (string, error), parameters ...string) function.Function {
	spec := &function.Spec{Params: []function.Parameter{{Name: "network", Type: cty.String}}, Type: function.StaticReturnType(cty.String)}
	for _, name := range parameters {
		spec.Params = append(spec.Params, function.Parameter{Name: name, Type: cty.Number})
	}
	spec.Impl = func(arguments []cty.Value, _ cty.Type) (cty.Value, error) {
		network, err := netip.ParsePrefix(arguments[0].AsString())
		if err != nil {
			return cty.NilVal, function.NewArgErrorf(0, "%q is not a network such as 10.0.0.0/8", arguments[0].AsString())
		}
		numbers := make([]int64, len(arguments)-1)
		for i, argument := range arguments[1:] {
			number, accuracy := argument.AsBigFloat().Int64()
			if accuracy != big.Exact {
				return cty.NilVal, function.NewArgErrorf(i+1, "it must be a whole number")
			}
			numbers[i] = number
		}
		result, err := f(network.Masked(), numbers)
		return cty.StringVal(result), err
	}
	return function.New(spec)
}

// numbered is the address in a network whose bits up to an end, behind those of the network, are a number. A negative number
// counts from the last.
func numbered(network netip.Prefix, end int, number int64) (netip.Addr, error) {
	room := new(big.Int).Lsh(big.NewInt(1), uint(end-network.Bits()))
	wanted := big.NewInt(number)
	if number < 0 {
		wanted.Add(wanted, room)
	}
	if wanted.Sign() < 0 || wanted.Cmp(room) >= 0 {
		return netip.Addr{}, fmt.Errorf("%s has no number %d; there are %s", network, number, room)
	}
	wanted.Lsh(wanted, uint(network.Addr().BitLen()-end))
	sum := wanted.Or(wanted, new(big.Int).SetBytes(network.Addr().AsSlice()))
	address, _ := netip.AddrFromSlice(sum.FillBytes(make([]byte, network.Addr().BitLen()/8)))
	return address, nil
}
