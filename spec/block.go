package spec

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// blockForm is how a block is written.
type blockForm struct {
	labels int
	// repeatable blocks can have for_each.
	repeatable bool
}

// blockForms are the blocks of a specification by type.
var blockForms = map[string]blockForm{
	"imsctl": {}, "variable": {labels: 1}, "locals": {}, "output": {labels: 1}, "moved": {}, "removed": {}, "import": {},
	"host": {2, true}, "compression": {1, true}, "retention": {1, true}, "source": {2, true}, "destination": {2, true},
	"backup": {1, true}, "drill": {1, true}, "check": {2, true}, "deploy": {1, true}, "cleanup": {2, true}, "notify": {2, true},
}

// labelCount is how many labels a block of a type has.
func labelCount(kind string) int { return blockForms[kind].labels }

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
	l.measuring(&Compression{Address: autoCompression, Name: "auto"}, providers.Preferences{Optimize: balancedGoal})
	l.each("compression", l.compression)
	l.each("retention", l.retention)
	l.each("host", l.host)
	l.each("source", l.sourceBlock)
	retentions := byAddress(l.spec.Retentions, func(r *Retention) string { return r.Address })
	l.each("destination", func(b body) { l.destination(b, retentions) })
	compressions := byAddress(l.spec.Compressions, func(c *Compression) string { return c.Address })
	l.each("backup", func(b body) { l.backup(b, compressions) })
	l.each("drill", l.drill)
	l.each("check", l.check)
	l.each("deploy", l.deploy)
	l.each("cleanup", l.cleanup)
	l.each("notify", l.notify)
	l.order()
	l.dependencies()
	l.unbuiltHosts()
}

// each reads the instances of all blocks of a type. Where one instance of a block has a mistake, the others are left out:
// they mostly have the same.
func (l *loader) each(kind string, read func(body)) {
	var wrong *hclsyntax.Block
	for _, b := range l.bodies[kind] {
		if b.block == wrong {
			continue
		}
		before := len(l.diagnostics)
		read(b)
		if found := l.diagnostics[before:]; b.hasKey && found.HasErrors() {
			wrong = b.block
			l.nameInstance(b, found)
		}
	}
}

// nameInstance adds to mistakes which instance has them, where it is not the first or each is part of what is wrong.
func (l *loader) nameInstance(b body, found hcl.Diagnostics) {
	first := l.expansionOf(b.block).bodies[0].key == b.key
	for _, diagnostic := range found {
		at := diagnostic.Subject
		if at == nil {
			continue
		}
		file := l.source.files[at.Filename]
		if !first || file != nil && at.CanSliceBytes(file.Bytes) && bytes.Contains(at.SliceBytes(file.Bytes), []byte("each.")) {
			diagnostic.Detail += fmt.Sprintf(" This is so where each.key is %q.", b.key)
		}
	}
}

// order puts the lists into the order of their addresses.
func (l *loader) order() {
	sortByAddress(l.spec.Hosts, func(h *Host) string { return h.Address })
	sortByAddress(l.spec.Sources, func(s *Source) string { return s.Address })
	sortByAddress(l.spec.Destinations, func(d *Destination) string { return d.Address })
	sortByAddress(l.spec.Compressions, func(c *Compression) string { return c.Address })
	sortByAddress(l.spec.Retentions, func(r *Retention) string { return r.Address })
	sortByAddress(l.spec.Backups, func(b *Backup) string { return b.Address })
	sortByAddress(l.spec.Drills, func(d *Drill) string { return d.Address })
	sortByAddress(l.spec.Checks, func(c *Check) string { return c.Address })
	sortByAddress(l.spec.Deploys, func(d *Deploy) string { return d.Address })
	sortByAddress(l.spec.Cleanups, func(c *Cleanup) string { return c.Address })
	sortByAddress(l.spec.Notifies, func(n *Notify) string { return n.Address })
}

func sortByAddress[T any](list []T, address func(T) string) {
	slices.SortFunc(list, func(a, b T) int { return cmp.Compare(address(a), address(b)) })
}

func byAddress[T any](list []*T, address func(*T) string) map[string]*T {
	index := make(map[string]*T, len(list))
	for _, item := range list {
		index[address(item)] = item
	}
	return index
}

// provider finds the provider of a block and decodes its configuration, with what the specification itself adds. The
// configuration is nil when it cannot be had.
func (l *loader) provider(b body, kind providers.Kind, common ...any) (providers.Config, places) {
	name := b.block.Labels[0]
	provider, ok := l.options.Registry.Lookup(kind, name)
	if !ok {
		known := l.options.Registry.Types(kind)
		l.report(mistake(b.block.LabelRanges[0], "Unknown type", fmt.Sprintf("There is no %s type %q; there is %s.%s",
			kind, name, strings.Join(known, ", "), suggest(name, known))))
		return nil, places{}
	}
	config := provider.New()
	at, ok := l.decode(b, append([]any{config}, common...)...)
	if !ok {
		return nil, at
	}
	for _, wrong := range config.Validate() {
		l.report(at.mistake(wrong.Attribute, wrong.Summary, wrong.Detail))
	}
	return config, at
}

// identity is what the blocks of a kind with types have in common.
func (b body) identity() (address, typ, name string, at hcl.Range) {
	return b.address, b.block.Labels[0], b.name(), b.block.DefRange()
}

func (l *loader) host(b body) {
	if config, _ := l.provider(b, providers.KindHost); config != nil {
		host := &Host{Config: config.(providers.HostConfig), NotBuilt: notBuilt(config)}
		host.Address, host.Type, host.Name, host.Range = b.identity()
		l.spec.Hosts = append(l.spec.Hosts, host)
	}
}

func (l *loader) sourceBlock(b body) {
	if config, _ := l.provider(b, providers.KindSource); config != nil {
		source := &Source{Config: config.(providers.SourceConfig), NotBuilt: notBuilt(config)}
		source.Address, source.Type, source.Name, source.Range = b.identity()
		l.spec.Sources = append(l.spec.Sources, source)
	}
}

type destinationBlock struct {
	Retention   providers.Reference `hcl:"retention,optional" kind:"retention" doc:"What is kept there; everything when left out."`
	UploadLimit units.Size          `hcl:"upload_limit,optional" doc:"How many bytes are uploaded in a second, by all uploads together; no limit when left out."`
	Concurrency int64               `hcl:"concurrency,optional" doc:"How many uploads there are at once, and as many readings; no limit when left out."`
	Price       units.Price         `hcl:"price_per_gb_month,optional" doc:"What 2^30 bytes cost there for a month, as \"0.02 USD\", for the report; unknown when left out."`
}

func (l *loader) destination(b body, retentions map[string]*Retention) {
	var common destinationBlock
	config, at := l.provider(b, providers.KindDestination, &common)
	if config == nil {
		return
	}
	if at.given("upload_limit") && common.UploadLimit == 0 {
		l.report(at.mistake("upload_limit", "Invalid limit",
			"Nothing could be uploaded at 0 bytes per second. Write a size such as \"5MB\", or leave upload_limit out for no limit."))
	}
	if at.given("concurrency") && (common.Concurrency < 1 || common.Concurrency > maxCount) {
		l.report(at.mistake("concurrency", "Invalid limit",
			fmt.Sprintf("concurrency is %d; it must be 1 to %d. Leave it out for no limit.", common.Concurrency, maxCount)))
	}
	destination := &Destination{
		Config: config.(providers.DestinationConfig), Retention: retentions[common.Retention.Address],
		UploadLimit: common.UploadLimit, Concurrency: int(common.Concurrency), Price: common.Price, NotBuilt: notBuilt(config),
	}
	destination.Address, destination.Type, destination.Name, destination.Range = b.identity()
	l.spec.Destinations = append(l.spec.Destinations, destination)
}
