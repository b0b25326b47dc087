package main

import (
	"fmt"
	"runtime"

	"github.com/go-json-experiment/json"
	"github.com/spf13/cobra"
)

func (c *cli) versionCommand() *cobra.Command {
	var asJSON bool
	command := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			platform := runtime.GOOS + "_" + runtime.GOARCH
			if !asJSON {
				_, err := fmt.Fprintf(c.stdout, "imsctl v%s\non %s, %s\n", c.version, platform, runtime.Version())
				return err
			}
			data, err := json.Marshal(map[string]string{
				"imsctl_version": c.version, "platform": platform, "go_version": runtime.Version(),
			}, json.Deterministic(true))
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.stdout, string(data))
			return err
		},
	}
	command.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return command
}
