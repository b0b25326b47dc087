package spec

import (
	"fmt"
	"strings"
)

// dependencies refuses backups that wait for each other.
func (l *loader) dependencies() {
	w := &dependencyWalk{loader: l, backups: byAddress(l.spec.Backups, func(b *Backup) string { return b.Address }),
		position: make(map[string]int), done: make(map[string]bool)}
	for _, backup := range l.spec.Backups {
		w.visit(backup)
	}
}

// dependencyWalk goes along depends_on, depth first.
type dependencyWalk struct {
	loader   *loader
	backups  map[string]*Backup
	trail    []*Backup
	position map[string]int
	done     map[string]bool
}

func (w *dependencyWalk) visit(backup *Backup) {
	if w.done[backup.Address] {
		return
	}
	if at, waiting := w.position[backup.Address]; waiting {
		w.loader.report(mistake(w.trail[at].Range, "Circular depends_on", w.ring(at)))
		return
	}
	w.position[backup.Address] = len(w.trail)
	w.trail = append(w.trail, backup)
	for _, address := range backup.DependsOn {
		if next := w.backups[address]; next != nil {
			w.visit(next)
		}
	}
	w.trail = w.trail[:len(w.trail)-1]
	delete(w.position, backup.Address)
	w.done[backup.Address] = true
}

// ring prints the backups that wait for each other, each with its place.
func (w *dependencyWalk) ring(at int) string {
	ring := w.trail[at:]
	var text strings.Builder
	for i, backup := range ring {
		fmt.Fprintf(&text, "%s (%s:%d) waits for %s. ", backup.Address, backup.Range.Filename, backup.Range.Start.Line, ring[(i+1)%len(ring)].Address)
	}
	return strings.TrimSpace(text.String())
}

// unbuiltHosts passes on to sources, destinations, checks and cleanups what is not built of the host that they are on.
func (l *loader) unbuiltHosts() {
	hosts := byAddress(l.spec.Hosts, func(h *Host) string { return h.Address })
	pass := func(address string, target *string) {
		for _, reference := range l.spec.References[address] {
			if host := hosts[reference]; host != nil && host.NotBuilt != "" && *target == "" {
				*target = host.NotBuilt
			}
		}
	}
	for _, source := range l.spec.Sources {
		pass(source.Address, &source.NotBuilt)
	}
	for _, destination := range l.spec.Destinations {
		pass(destination.Address, &destination.NotBuilt)
	}
	for _, check := range l.spec.Checks {
		pass(check.Address, &check.NotBuilt)
	}
	for _, cleanup := range l.spec.Cleanups {
		pass(cleanup.Address, &cleanup.NotBuilt)
	}
}
