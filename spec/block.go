package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/providers"
)

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
	at, ok := l.decode(block, append([]any{config}, common...)...)
	if !ok {
		return nil
	}
	for _, wrong := range config.Validate() {
		l.report(at.mistake(wrong.Attribute, wrong.Summary, wrong.Detail))
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

type destinationBlock struct {
	Retention providers.Reference `hcl:"retention,optional" kind:"retention" doc:"What is kept there; everything when left out."`
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
