package compression

import (
	"runtime"

	"github.com/castrolanda/imsctl/providers"
)

// furtherCore is what each core but the first counts for until it is measured: the source works too, and cores may be threads of
// one.
const furtherCore = 0.5

// Cores is how many times as fast a number of cores compress as one does.
func Cores(cores int) float64 { return 1 + furtherCore*float64(max(1, cores)-1) }

// StoringRate is how many bytes are copied as they are in a second.
const StoringRate = 1e9

// EstimateOf is what is assumed of a method on one core until it is measured.
func EstimateOf(method string, level int) providers.Estimate {
	switch {
	case method == "gzip" && level <= 3:
		return providers.Estimate{Fraction: 0.32, Rate: 160e6}
	case method == "gzip" && level <= 6:
		return providers.Estimate{Fraction: 0.30, Rate: 60e6}
	case method == "gzip":
		return providers.Estimate{Fraction: 0.29, Rate: 20e6}
	case method == "zstd" && level <= 2:
		return providers.Estimate{Fraction: 0.28, Rate: 200e6}
	case method == "zstd" && level <= 4:
		return providers.Estimate{Fraction: 0.28, Rate: 90e6}
	case method == "zstd" && level == 5:
		return providers.Estimate{Fraction: 0.28, Rate: 60e6}
	case method == "zstd" && level <= 7:
		return providers.Estimate{Fraction: 0.27, Rate: 40e6}
	case method == "zstd" && level <= 9:
		return providers.Estimate{Fraction: 0.27, Rate: 28e6}
	case method == "zstd":
		return providers.Estimate{Fraction: 0.25, Rate: 2e6}
	case method == "bzip2":
		return providers.Estimate{Fraction: 0.25, Rate: 8e6}
	case method == "xz":
		return providers.Estimate{Fraction: 0.25, Rate: 1.5e6}
	default:
		return providers.Estimate{Fraction: 1, Rate: StoringRate}
	}
}

// CheckRate is how many raw bytes one processor takes in a second to read a method back, which every backup does to prove what
// it stores, and to hash them.
func CheckRate(method string) float64 {
	switch method {
	case "zstd":
		return 400e6
	case "gzip":
		return 200e6
	case "xz":
		return 50e6
	case "bzip2":
		return 25e6
	default:
		return StoringRate
	}
}

// Estimate implements providers.Estimated, for all cores of this machine.
func (c *codec) Estimate() providers.Estimate { return onAllCores(c.method.name, c.level) }

// Rival implements providers.Rivalled. bzip2 leaves about as little of dumps and logs as xz and the highest levels of zstd.
func (c *codec) Rival() (name string, estimate providers.Estimate) {
	if c.method.name == "xz" && c.level >= 4 || c.method.name == "zstd" && c.level >= 10 {
		return "bzip2 9", onAllCores("bzip2", 9)
	}
	return "", providers.Estimate{}
}

// onAllCores is what is assumed of a method on all cores of this machine.
func onAllCores(method string, level int) providers.Estimate {
	estimate := EstimateOf(method, level)
	if method != "none" {
		estimate.Rate *= Cores(runtime.GOMAXPROCS(0))
	}
	return estimate
}
