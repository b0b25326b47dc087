// Command summary reads what "go test -json" prints and shows what people need of it: a line for each package, the output
// of the tests that failed, and at the end one line about what was skipped and why.
//
// With -noskip it exits with 1 when anything was skipped. It does not repeat go test's own exit status.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	noSkip := flag.Bool("noskip", false, "exit with 1 when a test was skipped")
	flag.Parse()
	s := newSummary(os.Stdout)
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintf(os.Stderr, "summary: %v\n", err)
		os.Exit(1)
	}
	fmt.Println(s.conclusion())
	if *noSkip && len(s.skips) > 0 {
		fmt.Println("Skipping is forbidden here.")
		os.Exit(1)
	}
}
