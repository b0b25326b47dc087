package spec

import (
	"fmt"
	"slices"

	"github.com/castrolanda/imsctl/providers"
)

type compressionBlock struct {
	Method       string   `hcl:"method" doc:"gzip, zstd, xz, bzip2 or none; auto measures the data before it chooses one."`
	Level        int64    `hcl:"level,optional" doc:"The method's level; its own default when left out."`
	Optimize     string   `hcl:"optimize,optional" doc:"auto only: size, balanced or speed; balanced when left out."`
	MinReduction int64    `hcl:"min_reduction,optional" doc:"auto only: below this reduction, in percent, the next of fallback is tried."`
	Fallback     []string `hcl:"fallback,optional" doc:"auto only: methods to try next."`
}

// autoCompression is the address of the profile that measures before it chooses.
const autoCompression = "compression.auto"

// balancedGoal is what auto optimises when nothing is said.
const balancedGoal = "balanced"

// methods are what a fallback can name.
var methods = []string{"gzip", "zstd", "xz", "bzip2", "none"}

func (l *loader) compression(b body) {
	if b.address == autoCompression {
		l.report(mistake(b.block.LabelRanges[0], "Reserved name", "compression.auto is built in; give the profile another name."))
		return
	}
	if slices.ContainsFunc(l.options.Profiles, func(profile Profile) bool { return profile.Name == b.name() }) {
		l.report(mistake(b.block.LabelRanges[0], "Reserved name", fmt.Sprintf("%s is built in; give the profile another name.", b.address)))
		return
	}
	block := compressionBlock{Level: providers.DefaultLevel, Optimize: balancedGoal}
	at, ok := l.decode(b, &block)
	if !ok {
		return
	}
	if at.given("level") && block.Level < 0 {
		l.report(at.mistake("level", "Invalid level", "A level is not negative; leave it out for the method's own default."))
		return
	}
	if !l.automatic(block, at) {
		return
	}
	if block.Method == "auto" {
		l.measuring(&Compression{Address: b.address, Name: b.name(), Range: b.block.DefRange()}, providers.Preferences{
			Optimize: block.Optimize, MinReduction: int(block.MinReduction), Fallback: block.Fallback,
		})
		return
	}
	codec, err := l.options.Registry.Codec(block.Method, int(block.Level))
	if err != nil {
		place := "method"
		if _, wrong := l.options.Registry.Codec(block.Method, providers.DefaultLevel); wrong == nil {
			place = "level"
		}
		l.report(at.mistake(place, "Invalid compression", sentence(err.Error())))
		return
	}
	l.spec.Compressions = append(l.spec.Compressions, &Compression{Address: b.address, Name: b.name(), Codec: codec, Range: b.block.DefRange()})
}

// measuring adds a profile that measures before it chooses.
func (l *loader) measuring(profile *Compression, preferences providers.Preferences) {
	chooser, err := l.options.Registry.Chooser(preferences)
	if err != nil {
		l.report(mistake(profile.Range, "Invalid compression", sentence(err.Error())))
		return
	}
	profile.Chooser = chooser
	l.spec.Compressions = append(l.spec.Compressions, profile)
}

// automatic checks what only the method auto has.
func (l *loader) automatic(block compressionBlock, at places) bool {
	before := len(l.diagnostics)
	for _, name := range []string{"optimize", "min_reduction", "fallback"} {
		if block.Method != "auto" && at.given(name) {
			l.report(at.mistake(name, "Attribute without effect", name+" belongs to method = \"auto\"."))
		}
	}
	if block.Method == "auto" && at.given("level") {
		l.report(at.mistake("level", "Attribute without effect", "The method auto chooses the level itself."))
	}
	if at.given("optimize") && !slices.Contains([]string{"size", "balanced", "speed"}, block.Optimize) {
		l.report(at.mistake("optimize", "Invalid value", fmt.Sprintf("%q is not size, balanced or speed.", block.Optimize)))
	}
	if block.MinReduction < 0 || block.MinReduction > 99 {
		l.report(at.mistake("min_reduction", "Invalid percentage", fmt.Sprintf("min_reduction is %d; it is a percentage, 0 to 99.", block.MinReduction)))
	}
	for i, method := range block.Fallback {
		if !slices.Contains(methods, method) {
			l.report(at.mistakeIn("fallback", i, "Unknown method", fmt.Sprintf("There is no method %q.%s", method, suggest(method, methods))))
		}
	}
	return len(l.diagnostics) == before
}
