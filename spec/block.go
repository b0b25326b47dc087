package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// The bodies of the blocks that belong to the specification itself.

type settingsBlock struct {
	RequiredVersion string `hcl:"required_version,optional" doc:"The versions of imsctl that may read this specification, such as \">= 0.1.0\"."`
	Timezone        string `hcl:"timezone,optional" doc:"The time zone of schedules and calendar days; UTC when left out."`
}

type stateBlock struct {
	Path string `hcl:"path,optional" doc:"The state's file; .imsctl/state.json when left out. A relative path starts at the folder of the specification."`
}

type compressionBlock struct {
	Method string `hcl:"method" doc:"gzip, zstd, xz, bzip2 or none."`
	Level  int64  `hcl:"level,optional" doc:"The method's level; its own default when left out."`
}

type retentionBlock struct {
	KeepWithin  units.Duration `hcl:"keep_within,optional" doc:"Keep what is not older than this."`
	KeepLast    int64          `hcl:"keep_last,optional" doc:"Keep this many of the newest, whatever their age."`
	KeepHourly  int64          `hcl:"keep_hourly,optional" doc:"Keep the newest of each of the last so many hours that have one."`
	KeepDaily   int64          `hcl:"keep_daily,optional" doc:"The same for days."`
	KeepWeekly  int64          `hcl:"keep_weekly,optional" doc:"The same for ISO weeks."`
	KeepMonthly int64          `hcl:"keep_monthly,optional" doc:"The same for months."`
	KeepYearly  int64          `hcl:"keep_yearly,optional" doc:"The same for years."`
	MaxDeletes  int64          `hcl:"max_deletes,optional" doc:"The most that one run deletes of one backup at one destination; no limit when left out."`
}

type destinationBlock struct {
	Retention providers.Reference `hcl:"retention,optional" kind:"retention" doc:"What is kept there; everything when left out."`
}

type backupBlock struct {
	Source      providers.Reference   `hcl:"source" kind:"source" doc:"What is read."`
	To          []providers.Reference `hcl:"to" kind:"destination" doc:"Where the copies go."`
	Compression providers.Reference   `hcl:"compression,optional" kind:"compression" doc:"A profile; compression.balanced when left out."`
	Every       units.Duration        `hcl:"every,optional" doc:"Due when no verified backup is younger than this."`
	Schedule    string                `hcl:"schedule,optional" doc:"A cron expression: due when it has fired since the last verified backup."`
	Once        bool                  `hcl:"once,optional" doc:"Taken once, never due again."`
	MinCopies   int64                 `hcl:"min_copies,optional" doc:"Fewer verified copies than this is a failed backup, fewer than in to is degraded; 1 when left out."`
}

// autoCompression is the address of the profile that measures before it chooses.
const autoCompression = "compression.auto"

// resources reads the blocks that become parts of the Spec.
func (l *loader) resources() {
	for _, profile := range l.options.Profiles {
		codec, err := l.options.Registry.Codec(profile.Method, profile.Level)
		if err != nil {
			l.report(&hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Unusable profile", Detail: sentence(err.Error())})
			continue
		}
		l.spec.Compressions = append(l.spec.Compressions, &Compression{Address: "compression." + profile.Name, Name: profile.Name, Codec: codec})
	}
	for kind, read := range map[string]func(*hclsyntax.Block){
		"compression": l.compression, "retention": l.retention, "host": l.host, "source": l.sourceBlock,
	} {
		for _, block := range l.byType[kind] {
			_ = kind
			read(block)
		}
	}
	retentions := byAddress(l.spec.Retentions, func(r *Retention) string { return r.Address })
	for _, block := range l.byType["destination"] {
		l.destination(block, retentions)
	}
	compressions := byAddress(l.spec.Compressions, func(c *Compression) string { return c.Address })
	for _, block := range l.byType["backup"] {
		l.backup(block, compressions)
	}
	l.order()
}

// order puts the lists into the order of their addresses.
func (l *loader) order() {
	slices.SortFunc(l.spec.Hosts, func(a, b *Host) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(l.spec.Sources, func(a, b *Source) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(l.spec.Destinations, func(a, b *Destination) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(l.spec.Compressions, func(a, b *Compression) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(l.spec.Retentions, func(a, b *Retention) int { return cmp.Compare(a.Address, b.Address) })
	slices.SortFunc(l.spec.Backups, func(a, b *Backup) int { return cmp.Compare(a.Address, b.Address) })
}

func byAddress[T any](list []*T, address func(*T) string) map[string]*T {
	index := make(map[string]*T, len(list))
	for _, item := range list {
		index[address(item)] = item
	}
	return index
}

func (l *loader) compression(block *hclsyntax.Block) {
	if addressOf(block) == autoCompression {
		l.report(mistake(block.DefRange(), "Reserved name", "compression.auto is reserved; give the profile another name."))
		return
	}
	body := compressionBlock{Level: providers.DefaultLevel}
	at, found := l.evaluator.decode(block, &body)
	l.report(found...)
	if found.HasErrors() {
		return
	}
	if _, given := at["level"]; given && body.Level == providers.DefaultLevel {
		l.report(mistake(at["level"], "Invalid level", "A level is not negative; leave it out for the method's own default."))
		return
	}
	codec, err := l.options.Registry.Codec(body.Method, int(body.Level))
	if err != nil {
		place := at.of("method", block)
		if strings.HasPrefix(err.Error(), "level") || strings.Contains(err.Error(), "no levels") {
			place = at.of("level", block)
		}
		l.report(mistake(place, "Invalid compression", sentence(err.Error())))
		return
	}
	l.spec.Compressions = append(l.spec.Compressions, &Compression{Address: addressOf(block), Name: block.Labels[0], Codec: codec, Range: block.DefRange()})
}

func (l *loader) retention(block *hclsyntax.Block) {
	var body retentionBlock
	at, found := l.evaluator.decode(block, &body)
	l.report(found...)
	for name, count := range map[string]int64{
		"keep_last": body.KeepLast, "keep_hourly": body.KeepHourly, "keep_daily": body.KeepDaily, "keep_weekly": body.KeepWeekly,
		"keep_monthly": body.KeepMonthly, "keep_yearly": body.KeepYearly, "max_deletes": body.MaxDeletes,
	} {
		if place, given := at[name]; given && !found.HasErrors() && (count < 1 || count > 1_000_000) {
			l.report(mistake(place, "Invalid count", fmt.Sprintf("%s is %d; it must be 1 or more. Leave it out when it should not count.", name, count)))
		}
	}
	rules := len(at)
	if _, given := at["max_deletes"]; given {
		rules--
	}
	if rules == 0 && !found.HasErrors() {
		l.report(mistake(block.DefRange(), "Retention without a rule",
			"Say what is kept with keep_within, keep_last, keep_hourly, keep_daily, keep_weekly, keep_monthly or keep_yearly; without a retention everything is kept."))
	}
	l.spec.Retentions = append(l.spec.Retentions, &Retention{
		Address: addressOf(block), Name: block.Labels[0], KeepWithin: body.KeepWithin, KeepLast: int(body.KeepLast),
		KeepHourly: int(body.KeepHourly), KeepDaily: int(body.KeepDaily), KeepWeekly: int(body.KeepWeekly),
		KeepMonthly: int(body.KeepMonthly), KeepYearly: int(body.KeepYearly), MaxDeletes: int(body.MaxDeletes), Range: block.DefRange(),
	})
}

// provider finds the provider of a block and decodes its configuration, with what the specification itself adds.
func (l *loader) provider(block *hclsyntax.Block, kind providers.Kind, common ...any) providers.Config {
	provider, ok := l.options.Registry.Lookup(kind, block.Labels[0])
	if !ok {
		known := l.options.Registry.Types(kind)
		l.report(mistake(block.LabelRanges[0], "Unknown type", fmt.Sprintf("There is no %s type %q; there is %s.%s",
			kind, block.Labels[0], strings.Join(known, ", "), suggest(block.Labels[0], known))))
		return nil
	}
	config := provider.New()
	at, found := l.evaluator.decode(block, append([]any{config}, common...)...)
	l.report(found...)
	if found.HasErrors() {
		return nil
	}
	for _, wrong := range config.Validate() {
		l.report(mistake(at.of(wrong.Attribute, block), wrong.Summary, wrong.Detail))
	}
	return config
}

func (l *loader) host(block *hclsyntax.Block) {
	if config := l.provider(block, providers.KindHost); config != nil {
		l.spec.Hosts = append(l.spec.Hosts, &Host{
			Address: addressOf(block), Type: block.Labels[0], Name: block.Labels[1], Config: config.(providers.HostConfig), Range: block.DefRange(),
		})
	}
}

func (l *loader) sourceBlock(block *hclsyntax.Block) {
	if config := l.provider(block, providers.KindSource); config != nil {
		l.spec.Sources = append(l.spec.Sources, &Source{
			Address: addressOf(block), Type: block.Labels[0], Name: block.Labels[1], Config: config.(providers.SourceConfig), Range: block.DefRange(),
		})
	}
}

func (l *loader) destination(block *hclsyntax.Block, retentions map[string]*Retention) {
	var common destinationBlock
	config := l.provider(block, providers.KindDestination, &common)
	if config == nil {
		return
	}
	l.spec.Destinations = append(l.spec.Destinations, &Destination{
		Address: addressOf(block), Type: block.Labels[0], Name: block.Labels[1], Config: config.(providers.DestinationConfig),
		Retention: retentions[common.Retention.Address], Range: block.DefRange(),
	})
}

func (l *loader) backup(block *hclsyntax.Block, compressions map[string]*Compression) {
	body := backupBlock{Compression: providers.Reference{Kind: kindCompression, Address: "compression.balanced"}, MinCopies: 1}
	at, found := l.evaluator.decode(block, &body)
	l.report(found...)
	if found.HasErrors() {
		return
	}
	backup := &Backup{Address: addressOf(block), Name: block.Labels[0], Source: body.Source.Address, Range: block.DefRange(),
		Compression: body.Compression.Address, MinCopies: int(body.MinCopies)}
	for _, reference := range body.To {
		if slices.Contains(backup.To, reference.Address) {
			l.report(mistake(at["to"], "Destination listed twice", fmt.Sprintf("%s is listed twice; one copy goes there.", reference.Address)))
			continue
		}
		backup.To = append(backup.To, reference.Address)
	}
	if len(backup.To) == 0 {
		l.report(mistake(at["to"], "No destination", "A backup needs at least one destination."))
		return
	}
	if body.MinCopies < 1 || body.MinCopies > int64(len(backup.To)) {
		l.report(mistake(at.of("min_copies", block), "Invalid min_copies",
			fmt.Sprintf("min_copies is %d; with the destinations listed it can be 1 to %d.", body.MinCopies, len(backup.To))))
	}
	if body.Compression.Address == autoCompression {
		l.report(mistake(at.of("compression", block), "Not available yet",
			"compression.auto, which measures before it chooses, is not available yet. Choose compression.balanced, compression.fast, compression.maximum or a profile of your own."))
		return
	}
	if compression := compressions[body.Compression.Address]; compression != nil {
		backup.Codec = compression.Codec
	}
	backup.Schedule = l.schedule(block, body, at)
	l.spec.Backups = append(l.spec.Backups, backup)
}

// schedule reads when a backup is due: exactly one of every, schedule and once.
func (l *loader) schedule(block *hclsyntax.Block, body backupBlock, at places) Schedule {
	var given []string
	for _, name := range []string{"every", "schedule", "once"} {
		if _, ok := at[name]; ok && (name != "once" || body.Once) {
			given = append(given, name)
		}
	}
	switch {
	case len(given) == 0:
		l.report(mistake(block.DefRange(), "No schedule", `Say when the backup is due: every = "24h", schedule = "0 2 * * *", or once = true.`))
		return Schedule{}
	case len(given) > 1:
		l.report(mistake(at[given[1]], "Two schedules", fmt.Sprintf("%s and %s (line %d) are both set; a backup has one of every, schedule and once.",
			given[1], given[0], at[given[0]].Start.Line)))
		return Schedule{}
	}
	if given[0] != "schedule" {
		return Schedule{Every: body.Every, Once: body.Once}
	}
	schedule, err := NewCronSchedule(body.Schedule, l.spec.Location)
	if err != nil {
		l.report(mistake(at["schedule"], "Invalid cron expression",
			fmt.Sprintf("%q is not a cron expression (%v). Write five fields: minute, hour, day of the month, month, day of the week, such as \"0 2 * * *\".", body.Schedule, err)))
	}
	return schedule
}
