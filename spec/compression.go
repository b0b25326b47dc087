package spec

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/castrolanda/imsctl/providers"
)

type compressionBlock struct {
	Method string `hcl:"method" doc:"gzip, zstd, xz, bzip2 or none."`
	Level  int64  `hcl:"level,optional" doc:"The method's level; its own default when left out."`
}

// autoCompression is the address of the profile that measures before it chooses.
const autoCompression = "compression.auto"

func (l *loader) compression(block *hclsyntax.Block) {
	if addressOf(block) == autoCompression {
		l.report(mistake(block.LabelRanges[0], "Reserved name", "compression.auto is reserved; give the profile another name."))
		return
	}
	if slices.ContainsFunc(l.options.Profiles, func(profile Profile) bool { return profile.Name == block.Labels[0] }) {
		l.report(mistake(block.LabelRanges[0], "Reserved name", fmt.Sprintf("%s is built in; give the profile another name.", addressOf(block))))
		return
	}
	body := compressionBlock{Level: providers.DefaultLevel}
	at, ok := l.decode(block, &body)
	if !ok {
		return
	}
	if at.given("level") && body.Level < 0 {
		l.report(at.mistake("level", "Invalid level", "A level is not negative; leave it out for the method's own default."))
		return
	}
	codec, err := l.options.Registry.Codec(body.Method, int(body.Level))
	if err != nil {
		place := "method"
		if _, wrong := l.options.Registry.Codec(body.Method, providers.DefaultLevel); wrong == nil {
			place = "level"
		}
		l.report(at.mistake(place, "Invalid compression", sentence(err.Error())))
		return
	}
	l.spec.Compressions = append(l.spec.Compressions, &Compression{Address: addressOf(block), Name: block.Labels[0], Codec: codec, Range: block.DefRange()})
}
