package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
	"github.com/castrolanda/imsctl/providers"
)

type backupBlock struct {
	Source      providers.Reference   `hcl:"source" kind:"source" doc:"What is read."`
	To          []providers.Reference `hcl:"to" kind:"destination" doc:"Where the copies go."`
	Compression providers.Reference   `hcl:"compression,optional" kind:"compression" doc:"A profile; compression.balanced when left out."`
	Every       units.Duration        `hcl:"every,optional" doc:"Due when no verified backup is younger than this."`
	Schedule    string                `hcl:"schedule,optional" doc:"A cron expression: due when it has fired since the last verified backup."`
	Once        bool                  `hcl:"once,optional" doc:"Taken once, never due again."`
	MinCopies   int64                 `hcl:"min_copies,optional" doc:"Fewer verified copies than this is a failed backup, fewer than in to is degraded; 1 when left out."`
	Backfill    string                `hcl:"backfill,optional" doc:"latest or all: which artifacts a destination gets that does not have them, the newest or all that its retention keeps; latest when left out."`
	EncryptTo   []string              `hcl:"encrypt_to,optional" doc:"Recipients who can read the copies (age1…, ssh-ed25519 …, ssh-rsa …); anyone who can reach them when left out or empty."`
	DependsOn   []providers.Reference `hcl:"depends_on,optional" kind:"backup" doc:"Backups that are taken first, where they are due too."`
	Verify      *verifyBlock          `hcl:"verify,block" doc:"How the copies are checked."`
	Assert      []assertBlock         `hcl:"assert,block" doc:"Conditions without which the specification is refused."`
}

// What backfill can be.
const (
	backfillLatest = "latest"
	backfillAll    = "all"
)

type verifyBlock struct {
	Content  bool           `hcl:"content,optional" doc:"Check the beginning and the end of what is read; true when left out, and it cannot be false."`
	ReadBack string         `hcl:"read_back,optional" doc:"Which copies are read back and compared: none; latest, those of the newest artifact, once; all, each in every interval; or a percentage of those at each destination in every interval, such as \"10%\". None when left out."`
	Every    units.Duration `hcl:"every,optional" doc:"The interval of all and of a percentage; 7d when left out."`
}

// readBackEvery is the interval in which copies are read back again.
const readBackEvery = units.Duration(7 * 24 * time.Hour)

// Defaults implements the defaults of a nested block.
func (v *verifyBlock) Defaults() { v.Content, v.ReadBack, v.Every = true, "none", readBackEvery }

func (l *loader) backup(b body, compressions map[string]*Compression) {
	block := backupBlock{Compression: providers.Reference{Kind: kindCompression, Address: "compression.balanced"}, MinCopies: 1, Backfill: backfillLatest}
	at, ok := l.decode(b, &block)
	if !ok || !l.assert(block.Assert, at) {
		return
	}
	backup := &Backup{Address: b.address, Name: b.name(), Source: block.Source.Address, Range: b.block.DefRange(), DependsOn: addresses(block.DependsOn),
		Compression: block.Compression.Address, MinCopies: int(block.MinCopies), BackfillAll: block.Backfill == backfillAll, To: make([]string, 0, len(block.To))}
	for i, reference := range block.To {
		if slices.Contains(backup.To, reference.Address) {
			l.report(mistake(at.element("to", i), "Destination listed twice", fmt.Sprintf("%s is listed twice; one copy goes there.", reference.Address)))
			continue
		}
		backup.To = append(backup.To, reference.Address)
	}
	if len(backup.To) == 0 {
		l.report(mistake(at.of("to"), "No destination", "A backup needs at least one destination."))
		return
	}
	if block.MinCopies < 1 || block.MinCopies > int64(len(backup.To)) {
		l.report(at.mistake("min_copies", "Invalid min_copies",
			fmt.Sprintf("min_copies is %d; with the destinations listed it can be 1 to %d.", block.MinCopies, len(backup.To))))
	}
	if block.Backfill != backfillLatest && block.Backfill != backfillAll {
		l.report(at.mistake("backfill", "Invalid backfill",
			fmt.Sprintf("%q is neither latest, the newest artifact, nor all, every artifact that the destination's retention keeps.", block.Backfill)))
	}
	if compression := compressions[block.Compression.Address]; compression != nil {
		backup.Codec, backup.Chooser = compression.Codec, compression.Chooser
	}
	backup.Encryption = l.recipients(block.EncryptTo, at)
	if block.Verify != nil {
		l.verification(*block.Verify, backup, at)
	}
	backup.Schedule = l.schedule(due{block.Every, block.Schedule, block.Once}, at, "backup")
	l.spec.Backups = append(l.spec.Backups, backup)
}

// recipients is the encryption for those that encrypt_to lists; nil when it lists none. A block with one that is wrong is
// refused as a whole: nothing must be encrypted for fewer people, and never for everybody.
func (l *loader) recipients(recipients []string, at places) providers.Encryption {
	if len(recipients) == 0 {
		return nil
	}
	if at.attributes["encrypt_to"].secret {
		l.report(mistake(at.of("encrypt_to"), "Sensitive recipients",
			"Recipients are public keys and are written beside every copy, so they must not be made from a sensitive value."))
		return nil
	}
	encryption, problems := l.options.Registry.Encryption(recipients)
	for _, wrong := range problems {
		l.report(at.mistakeIn("encrypt_to", wrong.Index, wrong.Summary, wrong.Detail))
	}
	return encryption
}

var readBackPattern = regexp.MustCompile(`^(none|latest|all|(100|[1-9][0-9]?)%)$`)

// verification checks how the copies are to be checked.
func (l *loader) verification(block verifyBlock, backup *Backup, at places) {
	if !block.Content {
		l.report(at.mistake("verify.content", "Unchecked backup", "The beginning and the end of what is read are always checked; leave content out."))
	}
	if !readBackPattern.MatchString(block.ReadBack) {
		l.report(at.mistake("verify.read_back", "Invalid read_back", fmt.Sprintf("%q is not none, latest, all or a percentage such as \"10%%\".", block.ReadBack)))
		return
	}
	switch block.ReadBack {
	case "none":
	case "latest":
		backup.ReadBack.Latest = true
	case "all":
		backup.ReadBack = ReadBack{Percent: 100, Every: block.Every}
	default:
		percent, _ := strconv.Atoi(strings.TrimSuffix(block.ReadBack, "%")) // the pattern has digits only
		backup.ReadBack = ReadBack{Percent: percent, Every: block.Every}
	}
	if at.given("verify.every") && backup.ReadBack.Percent == 0 {
		l.report(at.mistake("verify.every", "Interval without a rotation",
			fmt.Sprintf("every is the interval of read_back = \"all\" and of a percentage; with %q nothing is read back again. Leave it out.", block.ReadBack)))
	}
}

// due is when something is to be done.
type due struct {
	every    units.Duration
	schedule string
	once     bool
}

// schedule reads when something is due: every, schedule or both, or, for backups, once.
func (l *loader) schedule(when due, at places, what string) Schedule {
	names, hint := []string{"every", "schedule", "once"}, `every = "24h", schedule = "0 2 * * *", or once = true`
	if what != "backup" {
		names, hint = names[:2], `every = "7d" or schedule = "0 4 * * 0"`
	}
	var given []string
	for _, name := range names {
		if at.given(name) && (name != "once" || when.once) {
			given = append(given, name)
		}
	}
	switch {
	case len(given) == 0:
		l.report(mistake(at.body.block.DefRange(), "No schedule", fmt.Sprintf("Say when the %s is due: %s.", what, hint)))
		return Schedule{}
	case len(given) > 1 && when.once:
		// The second that stands there is the one too many.
		slices.SortFunc(given, func(a, b string) int { return at.of(a).Start.Byte - at.of(b).Start.Byte })
		l.report(mistake(at.of(given[1]), "Two schedules", fmt.Sprintf("%s and %s (line %d) are both set; a backup that is taken once is never due again.",
			given[1], given[0], at.of(given[0]).Start.Line)))
		return Schedule{}
	case !slices.Contains(given, "schedule"):
		return Schedule{Every: when.every, Once: when.once}
	}
	schedule, err := NewCronSchedule(when.schedule, l.spec.Location)
	if err != nil {
		l.report(at.mistake("schedule", "Invalid cron expression",
			fmt.Sprintf("%q is not a cron expression (%v). Write five fields: minute, hour, day of the month, month, day of the week, such as \"0 2 * * *\".", when.schedule, err)))
	}
	schedule.Every = when.every
	return schedule
}
