package strategy

import (
	"time"
)

const (
	oldRevision = "3f2a91c0d4e15b6a7c8d9e0f1a2b3c4d5e6f7a8b"
	newRevision = "9c0d12ab77f0e1d2c3b4a5968778695a4b3c2d1e"
)

// ordinary is a day like any other: a small fix, everything healthy, people at work.
func ordinary() Facts {
	return Facts{
		Running: Is(oldRevision), Wanted: Is(newRevision),
		Files:       Is(map[FileKind]int{Code: 3, Tests: 1}),
		Commits:     Is([]Commit{ParseCommit("fix: round prices half up", ""), ParseCommit("docs: say so", "")}),
		Uncommitted: Is(0),
		Remote:      Is(Reach{true, 420 * time.Millisecond}), FromHost: Is(Reach{true, 310 * time.Millisecond}), Host: Is(Reach{true, 18 * time.Millisecond}),
		Published: Is(true), Agent: Is(false),
		BusinessHours: Is(Hours{true, true, "America/Sao_Paulo"}), Freeze: Is(Freeze{}),
		Last: Is(Deploy{Hybrid, Promoted, 26 * time.Hour}), Containers: Is(Containers{7, 0}),
		Backup: Is(Backup{Required: true, Found: true, Age: 40 * time.Minute, MaxAge: time.Hour}), Disk: Is(Disk{42 << 30, 100 << 30}),
	}
}

// with is the ordinary day, changed.
func with(change func(*Facts)) Facts {
	f := ordinary()
	change(&f)
	return f
}

// release is a feature with all that belongs to it.
func release() Facts {
	return with(func(f *Facts) {
		f.Files = Is(map[FileKind]int{Code: 48, Migration: 2, Dependencies: 2, Dockerfile: 1, Static: 6, Documentation: 3, Tests: 14})
		f.Commits = Is([]Commit{
			ParseCommit("feat(orders)!: split deliveries", "BREAKING CHANGE: the field delivery is a list"), ParseCommit("feat: print labels", ""), ParseCommit("fix: totals", ""),
			ParseCommit("chore: new linter", ""), ParseCommit("Merge branch 'labels'", ""),
		})
		f.BusinessHours = Is(Hours{true, false, "America/Sao_Paulo"})
	})
}
