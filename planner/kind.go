package planner

import "github.com/fatih/color"

// kinds in the order in which a summary counts them.
var kinds = [...]Kind{
	KindBackup, KindReplicate, KindRepair, KindVerify, KindDrill, KindDeploy, KindPrune, KindKeep, KindForget, KindCleanup,
	KindSweep, KindMove, KindRelease, KindAdopt, KindBlocked,
}

// verb is the kind in the legend of a printed plan.
func (k Kind) verb() string {
	switch k {
	case KindBackup:
		return "back up"
	case KindCleanup:
		return "clean up"
	case KindKeep:
		return keptByPolicy
	default:
		return string(k)
	}
}

// task is the kind in a summary, after a number.
func (k Kind) task() string {
	if k == KindBlocked || k == KindKeep {
		return k.verb()
	}
	return "to " + k.verb()
}

// color marks the kind's symbol: green brings something, yellow mends, red takes away.
func (k Kind) color() color.Attribute {
	switch k {
	case KindBackup, KindReplicate, KindAdopt:
		return color.FgGreen
	case KindRepair, KindMove, KindDeploy:
		return color.FgYellow
	case KindVerify, KindDrill:
		return color.FgCyan
	case KindPrune, KindSweep, KindCleanup:
		return color.FgRed
	case KindForget, KindRelease, KindKeep:
		return color.FgWhite
	default:
		return color.FgMagenta
	}
}

// actions is the kind in the words of Terraform's plan format, which policy tools read.
func (k Kind) actions() []string {
	switch k {
	case KindBackup, KindReplicate:
		return []string{"create"}
	case KindRepair, KindDeploy:
		return []string{"update"}
	case KindVerify, KindDrill:
		return []string{"read"}
	case KindPrune, KindSweep, KindCleanup:
		return []string{"delete"}
	case KindForget, KindRelease:
		return []string{"forget"}
	default:
		return []string{"no-op"}
	}
}
