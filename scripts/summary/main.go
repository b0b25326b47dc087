// Command summary reads what "go test -json" prints and shows what people need of it: a line for each package, the output
// of the tests that failed, and at the end one line about what was skipped and why.
//
// With -noskip it exits with 1 when anything was skipped. It does not repeat go test's own exit status. With -again FILE it
// writes down which tests are worth running once more, alone: those that failed in packages where nothing worse happened.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	noSkip := flag.Bool("noskip", false, "exit with 1 when a test was skipped")
	again := flag.String("again", "", "write to this `file` what may be run again: a package and a pattern of its failed tests on each line")
	flag.Parse()
	s := newSummary(os.Stdout)
	if err := s.read(os.Stdin); err != nil {
		fmt.Fprintf(os.Stderr, "summary: %v\n", err)
		os.Exit(1)
	}
	fmt.Println(s.conclusion())
	if *again != "" {
		if err := os.WriteFile(*again, []byte(s.repeatable()), 0o644); err != nil {
			fmt.Fprintf(os.Stderr, "summary: %v\n", err)
			os.Exit(1)
		}
	}
	if *noSkip && len(s.skips) > 0 {
		fmt.Println("Skipping is forbidden here.")
		os.Exit(1)
	}
}
