package report

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/castrolanda/imsctl/internal/units"
)

// demoNow is when the reports of tests are made.
var demoNow = time.Date(2026, 11, 28, 22, 41, 0, 0, time.UTC)

// demo is a report of a system as it is after so many days: some of it is well, some of it is not.
func demo(days int) *Document {
	location := time.FixedZone("America/Sao_Paulo", -3*60*60)
	random := rand.New(rand.NewPCG(1, 2))
	d := &Document{
		Subject: "/srv/ims/ims.hcl", MadeAt: demoNow, Location: location, Version: "0.1.0", Serial: 4182, Lineage: "6f1d0c1e-8a55-4a0d-9a52-0f7f6f3b2a11",
		Until: demoNow.Add(30 * day), Declared: 17, Untrue: 3,
		Findings: []Finding{
			{Wrong, "check.paths.scripts", "has failed for 4d: 2 scripts still name /home/eciroma/inventory-system/"},
			{Wrong, "backup.keycloak", "has been due for 5h: the last backup is 29h old, every 24h"},
			{Watch, "backup.database@destination.azblob.secondary", "has 1 damaged copy"},
			{Watch, "backup.database@destination.local.dev", "lacks 1 copy"},
		},
		Destinations: []Destination{
			{Address: "destination.azblob.secondary", Price: units.Price{Micros: 18_400, Currency: "USD"}},
			{Address: "destination.gcs.primary", Price: units.Price{Micros: 20_000, Currency: "USD"}},
			{Address: "destination.local.dev"},
			{Address: "destination.local.vm", Price: units.Price{Currency: "USD"}},
		},
		Drills: []Drill{demoDrill(random)}, Deploys: []Deploy{demoDeploys(random)}, Checks: demoChecks(random, days),
	}
	month, twoMonths, week := demoPlace{"destination.gcs.primary", 30 * day}, demoPlace{"destination.azblob.secondary", 60 * day}, demoPlace{"destination.local.vm", 7 * day}
	database := demoBackup(random, d, days, "backup.database", 5*time.Hour, day, 530<<20, 0.12, 160*time.Second, []demoPlace{month, twoMonths, week, {"destination.local.dev", 7 * day}})
	database.Verdict, database.Level = "degraded", Watch
	azure := &database.Places[1]
	azure.Copies[5].Condition, azure.Copies[5].Problem = Altered, "size 12 MiB, manifest says 505 MiB"
	azure.Copies[2].KeptBy = "a legal hold"
	dev := &database.Places[3]
	dev.Copies[len(dev.Copies)-1].Condition, dev.Verdict, dev.Level = Missing, "missing", Watch
	keycloak := demoBackup(random, d, days, "backup.keycloak", 29*time.Hour, day, 44<<20, 0.2, 9*time.Second, []demoPlace{month, twoMonths, week})
	keycloak.Verdict, keycloak.Level = "overdue", Wrong
	models := demoBackup(random, d, days, "backup.ml_models", 3*time.Hour, day, 210<<20, 0.7, 31*time.Second, []demoPlace{{"destination.gcs.primary", 30 * day}, twoMonths})
	models.Places[0].Retention, models.Places[0].All, models.Places[0].Some = "keep_daily 7, keep_weekly 8", 7*day, 56*day
	application := demoBackup(random, d, days, "backup.application", 50*time.Hour, 7*day, 890<<20, 0.45, 75*time.Second, []demoPlace{month, {"destination.local.vm", 0}})
	d.Backups = []Backup{application, database, keycloak, models}
	for i := range d.Deploys[0].Runs {
		run := &d.Deploys[0].Runs[i]
		for _, artifact := range database.Artifacts {
			if run.Backups != nil && artifact.StartedAt.Before(run.StartedAt) {
				run.Backups = []string{artifact.ID}
			}
		}
	}
	return d
}

// demoPlace is a destination that keeps what is not older; everything where that is 0.
type demoPlace struct {
	address string
	within  time.Duration
}

// demoBackup is a backup that was taken regularly since September, and grew.
func demoBackup(random *rand.Rand, d *Document, days int, address string, age, every time.Duration, size, fraction float64, lasts time.Duration, places []demoPlace) Backup {
	backup := Backup{Address: address, Verdict: "ok", Schedule: "every " + units.Duration(every).String(), MinCopies: 1, TakenAt: d.MadeAt.Add(-age), DueAt: d.MadeAt.Add(every - age)}
	for at := d.MadeAt.Add(-age - time.Duration(days)*day/every*every); !at.After(d.MadeAt); at = at.Add(every) {
		growth := (1 - 0.25*float64(d.MadeAt.Sub(at))/float64(time.Duration(days)*day)) * (1 + 0.03*random.NormFloat64())
		raw := size / fraction * growth
		method := "gzip 6"
		stored := raw * fraction * 1.12
		if d.MadeAt.Sub(at) < 25*day {
			method, stored = "zstd 1", raw*fraction
		}
		backup.Artifacts = append(backup.Artifacts, Artifact{
			ID:        short(address) + "-" + at.UTC().Format("20060102T150405Z") + fmt.Sprintf("-%06x", random.IntN(1<<24)),
			StartedAt: at, EndedAt: at.Add(time.Duration(float64(lasts) * growth * (1 + 0.1*math.Abs(random.NormFloat64())))), RawBytes: int64(raw), StoredBytes: int64(stored), Method: method,
		})
	}
	for _, place := range places {
		p := Place{Destination: place.address, Verdict: "ok"}
		if place.within > 0 {
			p.Retention, p.All, p.Some = "keep_within "+units.Duration(place.within).String(), place.within, place.within
		}
		for i, artifact := range backup.Artifacts {
			held := Copy{Artifact: i}
			if place.within > 0 {
				held.EndsAt = artifact.StartedAt.Add(place.within)
				if d.MadeAt.Sub(artifact.StartedAt) > place.within+day {
					continue
				}
				if held.EndsAt.Before(d.MadeAt) {
					held.EndsAt = d.MadeAt
				}
				if held.EndsAt.After(d.Until) {
					held.EndsAt = time.Time{}
				}
			}
			p.Copies = append(p.Copies, held)
			for j := range d.Destinations {
				if d.Destinations[j].Address == place.address {
					d.Destinations[j].Copies++
					d.Destinations[j].Bytes += artifact.StoredBytes
					d.Destinations[j].LaterBytes += artifact.StoredBytes * 11 / 10
				}
			}
		}
		backup.Places = append(backup.Places, p)
	}
	return backup
}

func demoDrill(random *rand.Rand) Drill {
	drill := Drill{Address: "drill.database", Backup: "backup.database", Verdict: "ok", Schedule: "every 7d", DueAt: demoNow.Add(4 * day)}
	for i := range 9 {
		at := demoNow.Add(-time.Duration(8-i)*7*day - 3*day)
		run := DrillRun{StartedAt: at, Passed: true, Recovery: time.Duration(170+8*i+random.IntN(25)) * time.Second, Artifact: "database-" + at.Format("20060102T150405Z") + "-3f9a1c",
			Destination: "destination.azblob.secondary", Compared: "118 tables, 4210833 rows, 1 assertion"}
		if i == 4 {
			run.Passed, run.Compared, run.Problem = false, "", "table inventory_item: 18211 rows, manifest says 18214"
		}
		drill.Runs = append(drill.Runs, run)
	}
	return drill
}

func demoDeploys(random *rand.Rand) Deploy {
	deploy := Deploy{Address: "deploy.ims", Verdict: "ok"}
	for i := range 14 {
		at := demoNow.Add(-time.Duration(13-i)*5*day - time.Duration(random.IntN(30))*time.Hour)
		run := DeployRun{StartedAt: at, EndedAt: at.Add(time.Duration(60+random.IntN(120)) * time.Second), Revision: fmt.Sprintf("%07x", random.IntN(1<<28)), Branch: "main",
			Strategy: []string{"hybrid", "github"}[random.IntN(2)], By: "ana@laptop", Result: "promoted",
			Backups: []string{"database-" + at.Add(-30*time.Minute).UTC().Format("20060102T150405Z") + "-a41be0"}}
		switch i {
		case 6:
			run.Result, run.Level, run.Problem = "rolled back", Watch, "check.http.services failed: django answered 502"
		case 11:
			run.Result, run.Level, run.Problem, run.Backups = "failed", Wrong, "the lock of the host is held by a deploy of rui@ci", nil
		}
		deploy.Runs = append(deploy.Runs, run)
	}
	return deploy
}

func demoChecks(random *rand.Rand, days int) []Check {
	checks := []Check{
		{Address: "check.containers.vm", Verdict: "passed"}, {Address: "check.disk.vm", Verdict: "warned", Level: Watch},
		{Address: `check.http.services["django"]`, Verdict: "passed"}, {Address: "check.paths.scripts", Verdict: "failed", Level: Wrong}, {Address: "check.redis.ml_cache", Verdict: "never asked", Level: Unknown},
	}
	for i := range checks[:4] {
		for n := range days {
			at := demoNow.Add(-time.Duration(days-1-n)*day - 20*time.Minute)
			result := CheckResult{At: at, Verdict: "passed", Summary: "12 containers run and are healthy", UsedPercent: -1}
			switch i {
			case 1:
				result.UsedPercent = 58 + 24*float64(n)/float64(days) + random.Float64()
				result.Summary = fmt.Sprintf("/ is %.0f %% full, 34.1 GiB free; full in 44 days at this rate", result.UsedPercent)
				if result.UsedPercent > 80 {
					result.Verdict, result.Level = "warned", Watch
				}
			case 2:
				result.Summary = "302 in 84ms"
				if n == days/2 {
					result.Verdict, result.Level, result.Summary = "failed", Wrong, "502 Bad Gateway in 1.2s"
				}
			case 3:
				result.Summary = "no script names what is forbidden"
				if n > days-5 {
					result.Verdict, result.Level, result.Summary = "failed", Wrong, "2 scripts still name /home/eciroma/inventory-system/"
				}
			}
			checks[i].Results = append(checks[i].Results, result)
		}
	}
	return checks
}
