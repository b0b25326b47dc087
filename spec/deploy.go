package spec

import (
	"fmt"
	"maps"
	"math"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

type deployBlock struct {
	Host              providers.Reference `hcl:"host,optional" doc:"The machine; the one imsctl runs on when left out."`
	Path              string              `hcl:"path" doc:"The folder of the project there, an absolute path."`
	Compose           string              `hcl:"compose,optional" doc:"The compose file in it; compose.yaml when left out."`
	Project           string              `hcl:"project,optional" doc:"The name of the compose project; the one in the compose file, or that of the folder, when left out."`
	Repository        string              `hcl:"repository,optional" doc:"The git repository, as git understands it; needed by github and vm."`
	Branch            string              `hcl:"branch,optional" doc:"The branch; main when left out."`
	Revision          string              `hcl:"revision,optional" doc:"A commit or tag that is deployed instead of the head of the branch."`
	WorkingCopy       string              `hcl:"working_copy,optional" doc:"A clone on this machine, what is committed there is what is deployed; the folder of the specification when left out."`
	AllowUncommitted  bool                `hcl:"allow_uncommitted,optional" doc:"hybrid: bring along what is not committed in the working copy."`
	AllowOtherHistory bool                `hcl:"allow_other_history,optional" doc:"Deploy a revision that does not descend from the running one, as after a forced push."`
	Strategy          string              `hcl:"strategy,optional" doc:"auto, github, hybrid, local or vm; auto when left out."`
	Weights           map[string]string   `hcl:"weights,optional" doc:"auto: how much a factor counts, by its name, instead of what \"imsctl deploy -explain\" shows."`
	Shared            []string            `hcl:"shared,optional" doc:"Paths in the project that all releases have in common, such as \"media\" or \".env\"."`
	KeepReleases      int64               `hcl:"keep_releases,optional" doc:"How many releases stay on the machine; 5 when left out."`
	Before            *beforeBlock        `hcl:"before,block" doc:"What must be so before."`
	After             *afterBlock         `hcl:"after,block" doc:"What must be so afterwards."`
	Rollback          *rollbackBlock      `hcl:"rollback,block" doc:"What happens when it is not."`
	Hook              []hookBlock         `hcl:"hook,block" doc:"A command at a moment of the deploy."`
	BusinessHours     *hoursBlock         `hcl:"business_hours,block" doc:"When people work, in the time zone of the specification."`
	Freeze            []freezeBlock       `hcl:"freeze,block" doc:"When nothing is deployed."`
	Assert            []assertBlock       `hcl:"assert,block" doc:"Conditions without which the specification is refused."`
}

type beforeBlock struct {
	Backup []providers.Reference `hcl:"backup,optional" kind:"backup" doc:"Backups that must be there."`
	MaxAge units.Duration        `hcl:"max_age,optional" doc:"A backup older than this is taken first; any age when left out."`
	Checks []providers.Reference `hcl:"checks,optional" kind:"check" doc:"Checks that must pass."`
}

type afterBlock struct {
	Checks     []providers.Reference `hcl:"checks,optional" kind:"check" doc:"Checks that must pass."`
	Timeout    units.Duration        `hcl:"timeout,optional" doc:"How long they have for it; \"5m\" when left out."`
	Interval   units.Duration        `hcl:"interval,optional" doc:"The pause between two tries; \"2s\" when left out."`
	MinHealthy units.Duration        `hcl:"min_healthy,optional" doc:"How long all of them must pass without a break before the deploy counts as good; \"10s\" when left out."`
	Watch      units.Duration        `hcl:"watch,optional" doc:"How long they are asked on after that: a failure goes back at once; not at all when left out."`
}

// Defaults implements the defaults of a nested block.
func (a *afterBlock) Defaults() {
	a.Timeout, a.Interval, a.MinHealthy = units.Duration(5*time.Minute), units.Duration(2*time.Second), units.Duration(10*time.Second)
}

type rollbackBlock struct {
	Automatic bool                  `hcl:"automatic,optional" doc:"Go back by itself; true when left out."`
	Restore   []providers.Reference `hcl:"restore,optional" kind:"backup" doc:"Backups that are restored too; never implied."`
}

// Defaults implements the defaults of a nested block.
func (r *rollbackBlock) Defaults() { r.Automatic = true }

type hookBlock struct {
	Moment  string         `hcl:"type,label"`
	Command []string       `hcl:"command" doc:"The program with its arguments; no shell is involved."`
	Service string         `hcl:"service,optional" doc:"The service in a container of which it runs; the host itself, in the folder of the release, when left out."`
	Timeout units.Duration `hcl:"timeout,optional" doc:"It is ended after this; \"10m\" when left out."`
}

// Defaults implements the defaults of a nested block.
func (h *hookBlock) Defaults() { h.Timeout = units.Duration(10 * time.Minute) }

type hoursBlock struct {
	Days []string `hcl:"days" doc:"mon, tue, wed, thu, fri, sat, sun."`
	From string   `hcl:"from" doc:"HH:MM."`
	To   string   `hcl:"to" doc:"HH:MM."`
}

type freezeBlock struct {
	Name string `hcl:"type,label"`
	From string `hcl:"from" doc:"YYYY-MM-DD, or YYYY-MM-DD HH:MM, in the time zone of the specification."`
	To   string `hcl:"to" doc:"The same; a day alone is meant with all of it."`
}

var (
	weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}
	moments  = []string{string(providers.BeforeDeploy), string(providers.Migrate), string(providers.AfterDeploy), string(providers.OnRollback)}
)

// autoStrategy leaves the choice to what is measured.
const autoStrategy = "auto"

// strategies lists the values of the attribute.
func (l *loader) strategies() []string {
	return append([]string{autoStrategy}, l.options.Registry.Types(providers.KindDeploy)...)
}

func (l *loader) deploy(b body) {
	after := new(afterBlock)
	after.Defaults()
	block := deployBlock{Compose: "compose.yaml", Branch: "main", Strategy: autoStrategy, KeepReleases: 5, After: after}
	at, ok := l.decode(b, &block)
	if !ok || !l.assert(block.Assert, at) {
		return
	}
	deploy := &Deploy{
		Address: b.address, Name: b.name(), Strategy: block.Strategy, Rollback: true, Range: b.block.DefRange(),
		ChecksAfter: addresses(block.After.Checks), Timeout: block.After.Timeout.Std(), Interval: block.After.Interval.Std(),
		MinHealthy: block.After.MinHealthy.Std(), Watch: block.After.Watch.Std(),
	}
	if before := block.Before; before != nil {
		deploy.BackupsBefore, deploy.ChecksBefore, deploy.MaxAge = addresses(before.Backup), addresses(before.Checks), before.MaxAge.Std()
	}
	if rollback := block.Rollback; rollback != nil {
		deploy.Rollback, deploy.Restore = rollback.Automatic, addresses(rollback.Restore)
	}
	l.deployFits(block, at)
	deploy.Weights = l.weights(block.Weights, at)
	if block.BusinessHours != nil {
		deploy.Hours = l.hours(*block.BusinessHours, at)
	}
	deploy.Freezes = l.freezes(block.Freeze, at)
	deploy.Target = l.deployTarget(b, block, at)
	deploy.Open, deploy.NotBuilt = l.deployers(deploy.Target), l.unbuiltStrategy()
	l.spec.Deploys = append(l.spec.Deploys, deploy)
}

// deployFits checks what the types do not show.
func (l *loader) deployFits(block deployBlock, at places) {
	if known := l.strategies(); !slices.Contains(known, block.Strategy) {
		l.report(at.mistake("strategy", "Unknown strategy", fmt.Sprintf("There is no strategy %q; there is %s.%s", block.Strategy, strings.Join(known, ", "), suggest(block.Strategy, known))))
	}
	if block.KeepReleases < 1 || block.KeepReleases > maxCount {
		l.report(at.mistake("keep_releases", "Invalid count", fmt.Sprintf("keep_releases is %d; it must be 1 to %d.", block.KeepReleases, maxCount)))
	}
	if !strings.HasPrefix(block.Path, "/") || path.Clean(block.Path) == "/" {
		l.report(at.mistake("path", "Invalid path", "Write the absolute path of the project's folder."))
	}
	if !within(block.Compose) {
		l.report(at.mistake("compose", "Invalid path", "Write the path of the compose file within the project."))
	}
	for i, shared := range block.Shared {
		if !within(shared) {
			l.report(at.mistakeIn("shared", i, "Invalid path", fmt.Sprintf("%q is no path within the project.", shared)))
		}
	}
	if strings.HasPrefix(block.Repository, "-") {
		l.report(at.mistake("repository", "Invalid repository", "Write the URL of the repository."))
	}
	l.refFits("branch", block.Branch, at)
	l.refFits("revision", block.Revision, at)
	if block.Repository == "" && (block.Strategy == "github" || block.Strategy == "vm") {
		l.report(at.mistake("strategy", "No repository", fmt.Sprintf("The host fetches what %s deploys from a remote: write its URL as repository.", block.Strategy)))
	}
}

// refFits checks a name that is handed to git.
func (l *loader) refFits(name, value string, at places) {
	if at.given(name) && !isRef(value) {
		l.report(at.mistake(name, "Invalid name", fmt.Sprintf("%q cannot be the name of a %s.", value, name)))
	}
}

// within reports whether a path leads into the project and not out of it.
func within(name string) bool {
	return name != "" && !path.IsAbs(name) && filepath.IsLocal(name) && path.Clean(name) != "."
}

// isRef reports whether git could have a branch, tag or commit of that name, as far as is needed to hand it to git.
func isRef(name string) bool {
	return name != "" && !strings.HasPrefix(name, "-") && !strings.Contains(name, "..") && !strings.ContainsAny(name, " ~^:?*[\\\t\n\x7f")
}

// deployTarget is the block in the words of those who deploy.
func (l *loader) deployTarget(b body, block deployBlock, at places) providers.DeployTarget {
	target := providers.DeployTarget{
		Address: b.address, Host: block.Host, Path: path.Clean(block.Path), Compose: path.Clean(block.Compose), Project: block.Project, Repository: block.Repository,
		Branch: block.Branch, Revision: block.Revision, WorkingCopy: block.WorkingCopy, KeepReleases: int(block.KeepReleases),
		AllowUncommitted: block.AllowUncommitted, AllowOtherHistory: block.AllowOtherHistory,
	}
	if !filepath.IsAbs(target.WorkingCopy) {
		target.WorkingCopy = filepath.Join(l.spec.Directory, target.WorkingCopy)
	}
	for _, shared := range block.Shared {
		target.Shared = append(target.Shared, path.Clean(shared))
	}
	for i, hook := range block.Hook {
		place := fmt.Sprintf("hook.%d", i)
		if !slices.Contains(moments, hook.Moment) {
			l.report(at.mistake(place, "Unknown moment", fmt.Sprintf("There is no moment %q; there is %s.%s", hook.Moment, strings.Join(moments, ", "), suggest(hook.Moment, moments))))
		}
		if len(hook.Command) == 0 || hook.Command[0] == "" {
			l.report(at.mistake(place+".command", "No command", "Write the program and its arguments."))
		}
		target.Hooks = append(target.Hooks, providers.Hook{
			Moment: providers.Moment(hook.Moment), Command: hook.Command, Service: hook.Service, Timeout: hook.Timeout.Std(),
		})
	}
	return target
}

// deployers returns what makes the deployers of a target by strategy.
func (l *loader) deployers(target providers.DeployTarget) func(providers.Environment) (map[string]providers.Deployer, error) {
	registry := l.options.Registry
	return func(environment providers.Environment) (map[string]providers.Deployer, error) {
		deployers := make(map[string]providers.Deployer)
		for _, name := range registry.Types(providers.KindDeploy) {
			provider, _ := registry.Lookup(providers.KindDeploy, name)
			if provider.Deploy == nil {
				continue
			}
			deployer, err := provider.Deploy(environment, target)
			if err != nil {
				return nil, err
			}
			deployers[name] = deployer
		}
		return deployers, nil
	}
}

// unbuiltStrategy says that there is no way to deploy yet.
func (l *loader) unbuiltStrategy() string {
	for _, name := range l.options.Registry.Types(providers.KindDeploy) {
		if provider, _ := l.options.Registry.Lookup(providers.KindDeploy, name); provider.Deploy != nil {
			return ""
		}
	}
	return "deploys are not built yet"
}

// maxWeight is the most that a factor can count.
const maxWeight = 100

// weights reads how much factors count.
func (l *loader) weights(given map[string]string, at places) map[string]float64 {
	weights := make(map[string]float64, len(given))
	for _, name := range slices.Sorted(maps.Keys(given)) {
		value, err := strconv.ParseFloat(given[name], 64)
		switch {
		case err != nil || math.IsNaN(value) || value < 0 || value > maxWeight:
			l.report(at.mistake("weights", "Invalid weight", fmt.Sprintf("The weight of %s is %q; it must be a number from 0 to %d.", name, given[name], maxWeight)))
		case l.options.Factors != nil && !slices.Contains(l.options.Factors, name):
			l.report(at.mistake("weights", "Unknown factor", fmt.Sprintf("There is no factor %q; there is %s.%s", name, strings.Join(l.options.Factors, ", "), suggest(name, l.options.Factors))))
		default:
			weights[name] = value
		}
	}
	return weights
}

// hours reads the hours in which people work.
func (l *loader) hours(block hoursBlock, at places) *Hours {
	hours := &Hours{Location: l.spec.Location}
	for i, day := range block.Days {
		index := slices.Index(weekdays, day)
		if index < 0 {
			l.report(at.mistakeIn("business_hours.days", i, "Unknown day", fmt.Sprintf("There is no day %q; there is %s.", day, strings.Join(weekdays, ", "))))
		}
		hours.Days = append(hours.Days, time.Weekday((index+1)%len(weekdays)))
	}
	from, begins := l.hour("from", block.From, at)
	to, ends := l.hour("to", block.To, at)
	if begins && ends && !from.Before(to) {
		l.report(at.mistake("business_hours.to", "Invalid time", "to must be later than from."))
	}
	hours.From, hours.To = sinceMidnight(from), sinceMidnight(to)
	return hours
}

// sinceMidnight is a time of day as a span.
func sinceMidnight(at time.Time) time.Duration {
	return time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute
}

// hour reads one time of day.
func (l *loader) hour(name, text string, at places) (time.Time, bool) {
	parsed, err := time.Parse("15:04", text)
	if err != nil {
		l.report(at.mistake("business_hours."+name, "Invalid time", fmt.Sprintf("%q is no time of day; write HH:MM, such as \"08:00\".", text)))
	}
	return parsed, err == nil
}

// freezes read when nothing is deployed.
func (l *loader) freezes(blocks []freezeBlock, at places) []Freeze {
	var freezes []Freeze
	for i, block := range blocks {
		place := fmt.Sprintf("freeze.%d.", i)
		from, begins := l.instant(place+"from", block.From, 0, at)
		to, ends := l.instant(place+"to", block.To, 1, at)
		if begins && ends && !from.Before(to) {
			l.report(at.mistake(place+"to", "Invalid time", "to must be later than from."))
		}
		freezes = append(freezes, Freeze{Name: block.Name, From: from, To: to})
	}
	return freezes
}

// instant reads a day, or a minute of one. A day alone is moved on by so many days.
func (l *loader) instant(name, text string, days int, at places) (time.Time, bool) {
	if day, err := time.ParseInLocation(time.DateOnly, text, l.spec.Location); err == nil {
		return day.AddDate(0, 0, days), true
	}
	minute, err := time.ParseInLocation("2006-01-02 15:04", text, l.spec.Location)
	if err != nil {
		l.report(at.mistake(name, "Invalid time", fmt.Sprintf("%q is no moment; write YYYY-MM-DD, or YYYY-MM-DD HH:MM.", text)))
	}
	return minute, err == nil
}

// addresses are those of references.
func addresses(references []providers.Reference) []string {
	list := make([]string, 0, len(references))
	for _, reference := range references {
		list = append(list, reference.Address)
	}
	return list
}
