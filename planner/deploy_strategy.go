package planner

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/planner/strategy"
	"github.com/castrolanda/imsctl/state"
)

// autoStrategy leaves the strategy to what was measured.
const autoStrategy = "auto"

// strategy is the way in which a deploy is made, and why in a few words.
func (c *deployCase) strategy(action *Deploy) (name, because string, err error) {
	wanted, because := c.deploy.Strategy, "declared"
	switch {
	case c.options.Strategy != "":
		wanted, because = c.options.Strategy, "asked for"
	case action.Cause == CauseDrift:
		wanted, because = string(strategy.Local), "the revision is there"
	}
	advice, err := c.recommend()
	if err != nil {
		return "", "", err
	}
	if wanted == autoStrategy {
		if advice.Winner == "" {
			return "", "", fmt.Errorf("%s", strings.TrimSuffix(oneLine(advice.Reason), "."))
		}
		return string(advice.Winner), advice.Brief(), nil
	}
	if needsRemote(strategy.Strategy(wanted)) && c.deploy.Target.Repository == "" {
		return "", "", fmt.Errorf("strategy %s, which is %s, cannot be taken: the host fetches what it deploys from a remote, so write the URL of that as repository", wanted, because)
	}
	for _, candidate := range advice.Candidates {
		if string(candidate.Strategy) == wanted && len(candidate.Excluded) > 0 {
			return "", "", fmt.Errorf("strategy %s, which is %s, cannot be taken: %s", wanted, because, oneLine(strings.Join(candidate.Excluded, "; ")))
		}
	}
	return wanted, because, nil
}

// recommend weighs what was measured.
func (c *deployCase) recommend() (strategy.Recommendation, error) {
	weights, err := strategy.DefaultWeights().With(c.deploy.Weights)
	if err != nil {
		return strategy.Recommendation{}, fmt.Errorf("weights: %w", err)
	}
	allowed := strategy.Allowed{
		Uncommitted: c.deploy.Target.AllowUncommitted,
		Restart:     c.isRestart(),
		OtherFiles:  !c.hasFiles(c.wantedDigest()),
	}
	for _, name := range strategy.All() {
		if !needsRemote(name) || c.deploy.Target.Repository != "" {
			allowed.Strategies = append(allowed.Strategies, name)
		}
	}
	return strategy.Recommend(c.facts(), weights, allowed), nil
}

// needsRemote reports whether a host fetches from a remote what is deployed by a strategy.
func needsRemote(name strategy.Strategy) bool { return name == strategy.GitHub || name == strategy.VM }

// facts are what was measured, as far as it was.
func (c *deployCase) facts() strategy.Facts {
	site, revisions := &c.view.Site, &c.view.Revisions
	facts := strategy.Facts{
		BusinessHours: strategy.Is(strategy.Hours{}), Freeze: strategy.Is(strategy.Freeze{}), Last: strategy.Is(c.lastDeploy()),
		Backup: strategy.Is(c.oldestBackup()),
		Host:   strategy.Is(strategy.Reach{Reachable: site.Err == nil, Took: time.Duration(site.Seconds * float64(time.Second))}),
	}
	if hours := c.deploy.Hours; hours != nil {
		facts.BusinessHours = strategy.Is(strategy.Hours{Declared: true, Inside: hours.Contain(c.now), Zone: hours.Location.String()})
	}
	if freeze := c.deploy.Frozen(c.now); freeze != nil {
		facts.Freeze = strategy.Is(strategy.Freeze{Name: freeze.Name, Until: freeze.To})
	}
	if site.Err == nil {
		facts.Running, facts.Containers = strategy.Is(site.Running), strategy.Is(c.containers())
		if way := site.Remote; way != nil {
			facts.FromHost = strategy.Is(strategy.Reach{Reachable: way.Err == nil, Took: time.Duration(way.Seconds * float64(time.Second))})
		}
		if site.FreeBytes >= 0 {
			facts.Disk = strategy.Is(strategy.Disk{Free: site.FreeBytes, Total: site.TotalBytes})
		}
	}
	if revisions.Err == nil {
		facts.Wanted, facts.Uncommitted = strategy.Is(revisions.Wanted), strategy.Is(len(revisions.Uncommitted))
	}
	if c.deploy.Target.Repository != "" {
		facts.Remote = strategy.Is(strategy.Reach{Reachable: revisions.RemoteErr == nil, Took: time.Duration(revisions.RemoteSeconds * float64(time.Second))})
		if revisions.RemoteErr == nil && c.deploy.Target.Revision == "" {
			facts.Published = strategy.Is(revisions.RemoteHead == revisions.Wanted)
		}
	}
	if revisions.Err == nil && revisions.Known {
		paths := make([]string, 0, len(revisions.Changes))
		for _, change := range revisions.Changes {
			paths = append(paths, change.Path)
		}
		commits := make([]strategy.Commit, 0, len(revisions.Commits))
		for _, commit := range revisions.Commits {
			commits = append(commits, strategy.ParseCommit(commit.Subject, commit.Body))
		}
		facts.Files, facts.Commits = strategy.Is(strategy.CountFiles(paths)), strategy.Is(commits)
	}
	return facts
}

// lastDeploy is the last one that ended; the zero Deploy when there was none.
func (c *deployCase) lastDeploy() strategy.Deploy {
	for i := len(c.history) - 1; i >= 0; i-- {
		made := c.history[i]
		result, ok := map[state.Phase]strategy.Result{state.Promoted: strategy.Promoted, state.RolledBack: strategy.RolledBack, state.Failure: strategy.Failed}[made.Phase]
		if ok {
			return strategy.Deploy{Strategy: strategy.Strategy(made.Strategy), Result: result, Age: max(0, c.now.Sub(made.EndedAt()))}
		}
	}
	return strategy.Deploy{}
}

// containers counts those that are well and those that are not.
func (c *deployCase) containers() strategy.Containers {
	var counted strategy.Containers
	for i := range c.view.Site.Containers {
		container := &c.view.Site.Containers[i]
		if container.State == "running" && (container.Health == "" || container.Health == "healthy") {
			counted.Healthy++
		} else if !slices.Contains([]string{"exited", "created"}, container.State) || slices.Contains(c.view.Site.Drifted, container.Service) {
			counted.Unhealthy++
		}
	}
	return counted
}

// oldestBackup is the oldest of the backups that are to stand behind the deploy.
func (c *deployCase) oldestBackup() strategy.Backup {
	found := strategy.Backup{Required: len(c.deploy.BackupsBefore) > 0, Found: true, MaxAge: c.deploy.MaxAge}
	for _, address := range c.deploy.BackupsBefore {
		backup := c.backups[address]
		if backup == nil {
			continue
		}
		latest := c.survey(backup).proven(c.now)
		if latest == nil {
			return strategy.Backup{Required: true, MaxAge: c.deploy.MaxAge}
		}
		found.Age = max(found.Age, c.now.Sub(latest.artifact.StartedAt))
	}
	return found
}
