package directory

import (
	"context"
	"errors"
	"io/fs"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

// containers says which containers use the folder. Those that do not run are told, and keep nothing.
func (i *inspection) containers(ctx context.Context) {
	engine, err := i.engine()
	if err != nil {
		i.refuse("the containers cannot be seen: %v", err)
		return
	}
	teller, ok := engine.(providers.UseTeller)
	if !ok {
		i.refuse("the containers cannot be asked for what they use")
		return
	}
	uses, err := teller.Uses(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		i.fact("there is no container engine")
		return
	case err != nil:
		i.refuse("the containers cannot be seen: %v", err)
		return
	}
	all := make(map[string]bool)
	used := false
	for _, use := range uses {
		all[use.Container] = true
		switch {
		case isBelow(use.Path, i.path) && use.Runs():
			i.wait("the container %s, which is %s, %s %s", use.Container, use.State, use.How, use.Path)
			used = true
		case isBelow(use.Path, i.path):
			i.fact("the container %s, which is %s, %s %s", use.Container, use.State, use.How, use.Path)
			used = true
		case use.How == "mounts" && use.Runs() && isBelow(i.path, use.Path):
			i.fact("the container %s mounts %s, which it is in", use.Container, use.Path)
		}
	}
	if !used {
		i.fact("none of %s mounts it or was made from it", units.Counted(len(all), "container", "containers"))
	}
}
