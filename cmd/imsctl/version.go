package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"
)

func (c *cli) versionCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if !asJSON {
				return c.printVersion()
			}
			return c.printJSON(map[string]string{
				"format_version": "1.0", "type": "version",
				"imsctl_version": c.version, "platform": platform(), "go_version": runtime.Version(),
			})
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one JSON document")
	return command
}

// printVersion prints it for people.
func (c *cli) printVersion() error {
	_, err := fmt.Fprintf(c.stdout, "imsctl v%s\non %s, %s\n", c.version, platform(), runtime.Version())
	return err
}

// platform is what the program was built for.
func platform() string { return runtime.GOOS + "_" + runtime.GOARCH }
