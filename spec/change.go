package spec

import (
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// changes reads the blocks that change what is recorded: moved, removed, import.
func (l *loader) changes() {
	var moves []Move
	for _, block := range l.blocks["moved"] {
		if found, ok := l.changeBlock(block, "from", "to"); ok {
			moves = append(moves, Move{From: found["from"], To: found["to"], Range: block.DefRange()})
		}
	}
	for _, move := range moves {
		for _, each := range l.instancesOf(move, moves) {
			l.move(each)
		}
	}
	l.endMoves()
	for _, block := range l.blocks["removed"] {
		if found, ok := l.changeBlock(block, "from"); ok {
			l.spec.Removals = append(l.spec.Removals, Removal{From: found["from"], Range: block.DefRange()})
			at := block.Body.Attributes["from"].Expr.Range()
			if l.mustBeGone(found["from"], at) {
				l.mustHaveNoInstance(found["from"], at)
			}
		}
	}
	for _, block := range l.blocks["import"] {
		plain, attributes := without(block, "to")
		var options importBlock
		_, ok := l.decode(body{block: plain, address: "import", taken: []string{"to"}}, &options)
		to, found := l.staticAddress(block, attributes["to"], "to")
		if ok && found && l.mustBeDeclared(to, attributes["to"].Expr.Range()) {
			l.adoption(Import{To: to, ID: options.ID, Range: block.DefRange()}, attributes["to"].Expr.Range())
		}
	}
}

type importBlock struct {
	ID string `hcl:"id" doc:"The artifact's id, as imsctl list shows it."`
}

// changeBlock reads addresses that need not be declared.
func (l *loader) changeBlock(block *hclsyntax.Block, names ...string) (map[string]string, bool) {
	plain, attributes := without(block, names...)
	_, whole := l.decode(body{block: plain, address: block.Type, taken: names}, &struct{}{})
	found := make(map[string]string, len(names))
	for _, name := range names {
		address, ok := l.staticAddress(block, attributes[name], name)
		found[name], whole = address, whole && ok
	}
	return found, whole
}

// staticAddress reads the address of a backup or a destination, without asking whether it is declared.
func (l *loader) staticAddress(block *hclsyntax.Block, attribute *hclsyntax.Attribute, name string) (string, bool) {
	if attribute == nil {
		l.missing(block, name, "from", "to")
		return "", false
	}
	const form = `Write the address of a backup or a destination, such as backup.database or destination.local.vm["key"].`
	traversal, diagnostics := hcl.AbsTraversalForExpr(attribute.Expr)
	if diagnostics.HasErrors() {
		l.report(mistake(attribute.Expr.Range(), "Invalid address", form))
		return "", false
	}
	root := traversal.RootName()
	steps := labelCount(root)
	if root != string(kindBackup) && root != "destination" || len(traversal) < steps+1 || len(traversal) > steps+2 {
		l.report(mistake(attribute.Expr.Range(), "Invalid address", form))
		return "", false
	}
	address := root
	for i := range traversal[1:] {
		step, ok := stepName(traversal, i+1)
		_, index := traversal[i+1].(hcl.TraverseIndex)
		if !ok || index != (i == steps) {
			l.report(mistake(attribute.Expr.Range(), "Invalid address", form))
			return "", false
		}
		if index {
			address = instanceAddress(address, step)
		} else {
			address += "." + step
		}
	}
	return address, true
}

// move checks that the move leads from what is gone to what is there, and that there is only one from and to each.
func (l *loader) move(move Move) {
	kind, _, _ := strings.Cut(move.From, ".")
	other, _, _ := strings.Cut(move.To, ".")
	if kind != other {
		l.report(mistake(move.Range, "Impossible move", fmt.Sprintf("%s is a %s and %s is a %s.", move.From, kind, move.To, other)))
		return
	}
	for _, earlier := range l.spec.Moves {
		if earlier.From == move.From || earlier.To == move.To {
			l.report(mistake(move.Range, "Moved twice", fmt.Sprintf("%s:%d moves %s to %s already.", earlier.Range.Filename, earlier.Range.Start.Line, earlier.From, earlier.To)))
			return
		}
	}
	if l.mustBeGone(move.From, move.Range) {
		l.spec.Moves = append(l.spec.Moves, move)
	}
}

// instancesOf divides the move of a block with for_each into the moves of its instances: those that it leads to in the end,
// directly or by the moves that follow it. Every other move is one already.
func (l *loader) instancesOf(move Move, moves []Move) []Move {
	end := move.To
	for range moves {
		for _, next := range moves {
			if next.From == end {
				end = next.To
				break
			}
		}
	}
	kind, _, _ := strings.Cut(end, ".")
	var each []Move
	for _, b := range l.bodies[kind] {
		if isInstance(b.address, end) {
			key := strings.TrimPrefix(b.address, end)
			each = append(each, Move{From: move.From + key, To: move.To + key, Range: move.Range})
		}
	}
	if len(each) == 0 {
		return []Move{move}
	}
	return each
}

// endMoves checks that every move leads to what is declared, directly or by the moves that follow it.
func (l *loader) endMoves() {
	next := make(map[string]string, len(l.spec.Moves))
	for _, move := range l.spec.Moves {
		next[move.From] = move.To
	}
	for _, move := range l.spec.Moves {
		if _, follows := next[move.To]; !follows {
			l.mustBeDeclared(move.To, move.Range)
			continue
		}
		to := move.To
		for range l.spec.Moves {
			if to = next[to]; to == move.From {
				l.report(mistake(move.Range, "Move in a circle", fmt.Sprintf("What is moved from %s comes back to it.", move.From)))
				return
			}
		}
	}
}

// adoption checks that an artifact is adopted once, for a backup.
func (l *loader) adoption(adoption Import, at hcl.Range) {
	if !strings.HasPrefix(adoption.To, string(kindBackup)+".") {
		l.report(mistake(at, "Invalid address", fmt.Sprintf("%s is no backup: an artifact is adopted for a backup, such as backup.database.", adoption.To)))
		return
	}
	if adoption.ID == "" {
		l.report(mistake(adoption.Range, "Missing id", "The artifact's id is empty. Its manifest has it, and so has its file's name: database-20261122T020000Z-3f9a1c."))
		return
	}
	for _, earlier := range l.spec.Imports {
		if earlier.ID == adoption.ID {
			l.report(mistake(adoption.Range, "Imported twice", fmt.Sprintf("%s:%d imports %s already.", earlier.Range.Filename, earlier.Range.Start.Line, earlier.ID)))
			return
		}
	}
	l.spec.Imports = append(l.spec.Imports, adoption)
}

// declaredAt finds the block of an address.
func (l *loader) declaredAt(address string) (hcl.Range, bool) {
	kind, _, _ := strings.Cut(address, ".")
	for _, b := range l.bodies[kind] {
		if b.address == address {
			return b.block.DefRange(), true
		}
	}
	return hcl.Range{}, false
}

func (l *loader) mustBeGone(address string, at hcl.Range) bool {
	other, exists := l.declaredAt(address)
	if exists {
		l.report(mistake(at, "Still declared", fmt.Sprintf("%s is still declared at %s:%d.", address, other.Filename, other.Start.Line)))
	}
	return !exists
}

// mustHaveNoInstance is mustBeGone for all instances of a block.
func (l *loader) mustHaveNoInstance(address string, at hcl.Range) {
	kind, _, _ := strings.Cut(address, ".")
	for _, b := range l.bodies[kind] {
		if isInstance(b.address, address) {
			l.mustBeGone(b.address, at)
			return
		}
	}
}

func (l *loader) mustBeDeclared(address string, at hcl.Range) bool {
	if _, exists := l.declaredAt(address); exists {
		return true
	}
	kind, _, _ := strings.Cut(address, ".")
	if !l.incomplete[kind] {
		var known []string
		for _, b := range l.bodies[kind] {
			known = append(known, b.address)
		}
		l.report(mistake(at, "Unknown reference", fmt.Sprintf("Nothing is declared as %s.%s", address, suggest(address, known))))
	}
	return false
}
