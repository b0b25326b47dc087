package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/planner/strategy"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
)

// explanation is what "deploy -explain -json" prints.
type explanation struct {
	FormatVersion  string                  `json:"format_version"`
	Type           string                  `json:"type"`
	Deploy         string                  `json:"deploy"`
	Declared       string                  `json:"declared"`
	Recommendation strategy.Recommendation `json:"recommendation"`
}

// releasesArguments are the flags of releases.
type releasesArguments struct {
	deployInputs
	json    bool
	refresh bool
}

func (c *cli) releasesCommand() *cobra.Command {
	var arguments releasesArguments
	command := &cobra.Command{
		Use:   "releases [flags] [ADDRESS] [PATH]",
		Short: "List the deploys that there were, and the releases on the host",
		Long: `Lists the deploys of ADDRESS (deploy.ims, or ims; the only one when left out)
that are recorded, newest first: what was deployed, how, by whom, and what came
of it. The release that runs has a *, those that are on the host and can be gone
back to a +. -refresh=false does not look at the host.`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(command *cobra.Command, positional []string) error {
			arguments.address, arguments.path = addressArgument(positional, "deploy.")
			return c.releases(command.Context(), arguments)
		},
	}
	flags := command.Flags()
	arguments.deployInputs.register(flags)
	flags.BoolVar(&arguments.json, "json", false, "print one JSON document")
	flags.BoolVar(&arguments.refresh, "refresh", true, "look at the host; false takes the state's word")
	return command
}

func (c *cli) releases(ctx context.Context, arguments releasesArguments) error {
	project, err := c.openDeploy(arguments.deployInputs)
	if err != nil {
		return err
	}
	document, err := project.backend.Read(ctx)
	if err != nil {
		return err
	}
	deploy := project.spec.Deploys[0]
	var site providers.SiteView
	if seen := project.world.Site(deploy.Address); seen != nil && arguments.refresh {
		site = seen.View(ctx)
		if site.Err != nil {
			c.problem("Warning", deploy.Address, fmt.Errorf("the host cannot be looked at: %w", site.Err))
		}
	}
	made := slices.Clone(document.ReleasesOf(deploy.Address))
	slices.Reverse(made)
	if arguments.json {
		return c.printJSON(struct {
			FormatVersion string                    `json:"format_version"`
			Type          string                    `json:"type"`
			Deploy        string                    `json:"deploy"`
			Current       string                    `json:"current"`
			Releases      []*state.Release          `json:"releases"`
			OnHost        []providers.ReleaseRecord `json:"on_host"`
		}{"1.0", "releases", deploy.Address, currentRelease(site), made, site.Releases})
	}
	return c.releasesText(deploy, made, site)
}

// currentRelease is the release that runs; empty where that is not known.
func currentRelease(site providers.SiteView) string {
	if site.Current == nil {
		return ""
	}
	return site.Current.ID
}

// releasesText prints a line for each deploy, and then one for each release on the host that the state knows nothing of.
func (c *cli) releasesText(deploy *spec.Deploy, made []*state.Release, site providers.SiteView) error {
	rows := [][]string{{"", "RELEASE", "STRATEGY", "BY", "AGE", "TOOK", "RESULT"}}
	listed, now := make(map[string]bool), c.clock.Now()
	for _, release := range made {
		took := ""
		if end := release.EndedAt(); !end.IsZero() {
			took = units.Span(end.Sub(release.StartedAt()).Round(time.Second))
		}
		mark := markOf(release.Folder, site)
		if listed[release.Folder] {
			mark = ""
		}
		listed[release.Folder] = true
		rows = append(rows, []string{mark, release.Folder, release.Strategy, release.By, units.Age(now.Sub(release.StartedAt())), took, resultWords(release)})
	}
	for i := len(site.Releases) - 1; i >= 0; i-- {
		if record := &site.Releases[i]; !listed[record.ID] {
			rows = append(rows, []string{markOf(record.ID, site), record.ID, record.Strategy, record.By, units.Age(now.Sub(record.StartedAt)), "",
				strings.ReplaceAll(record.Phase, "_", " ") + ", by another state"})
		}
	}
	if len(rows) == 1 {
		fmt.Fprintf(c.stdout, "%s was never deployed.\n", deploy.Address)
		return nil
	}
	return writeTable(c.stdout, c.look(c.stdout).Width, rows)
}

// markOf is * for the release that runs, + for one that can be gone back to.
func markOf(id string, site providers.SiteView) string {
	if id == currentRelease(site) && id != "" {
		return "*"
	}
	for _, record := range site.Releases {
		if record.ID == id && record.Promoted {
			return "+"
		}
	}
	return ""
}

// resultWords say what came of a deploy.
func resultWords(release *state.Release) string {
	text := release.Phase.Words()
	if release.Uncommitted {
		text += ", with what was not committed"
	}
	if !release.Phase.Final() {
		return "interrupted while " + text
	}
	if line, _, _ := strings.Cut(release.Error, "\n"); line != "" {
		text += ": " + line
	}
	return text
}
