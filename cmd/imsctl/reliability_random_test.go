package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/state"
)

// The variables that set how many applies the randomized run makes, and the seed of a run that is to be repeated.
const (
	roundsVariable = "IMSCTL_RELIABILITY_ROUNDS"
	seedVariable   = "IMSCTL_RELIABILITY_SEED"
)

// mendEvery is after how many applies all faults end, and everything has to become right again.
const mendEvery = 5

// TestRandomFaults applies with random faults at all destinations and at the source, kills some of the applies at random moments,
// and damages what is stored and what is recorded in between.
func TestRandomFaults(t *testing.T) {
	rounds, seed := 25, uint64(time.Now().UnixNano())
	if testing.Short() {
		rounds = 5
	}
	for name, set := range map[string]func(uint64){roundsVariable: func(n uint64) { rounds = int(n) }, seedVariable: func(n uint64) { seed = n }} {
		if text := os.Getenv(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 64)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			set(n)
		}
	}
	t.Logf("seed %d: %s=%d repeats what is chosen, though not when it happens", seed, seedVariable, seed)
	c := startClouds(t)
	m := &mayhem{site: newSite(t, c, "fast", "", atDisk, atGCS, atAzure, atStrict), random: rand.New(rand.NewPCG(seed, 1))}
	m.write("due.hcl", strings.ReplaceAll(m.read("due.hcl"), "keep_last = 1", "keep_last = 2"))
	m.write("calm.hcl", strings.ReplaceAll(m.read("calm.hcl"), "keep_last = 1", "keep_last = 2"))
	began := time.Now()
	m.healthy("due.hcl")
	m.window = time.Since(began)
	m.now = m.check(nil)
	for round := range rounds {
		m.round()
		if round%mendEvery == mendEvery-1 || round == rounds-1 {
			m.settle()
		}
		if t.Failed() {
			t.Fatalf("in round %d of seed %d: %s", round, seed, m.told)
		}
	}
	t.Logf("%d applies: %d done, %d degraded, %d failed, %d killed; %d requests and %d sources went wrong, %d times something stored or recorded was damaged; 0 violations",
		rounds, m.codes[exitDone], m.codes[exitDegraded], m.codes[exitError], m.kills, c.gcs.Hits()+c.azure.Hits()+c.strict.Hits(), m.sources, m.damages)
}

// mayhem is a site in which random things go wrong.
type mayhem struct {
	*site
	random *rand.Rand
	now    copies
	window time.Duration
	// told is what the round has done.
	told                    []string
	sources, kills, damages int
	codes                   [exitDegraded + 1]int
}

func (m *mayhem) read(name string) string {
	content, err := os.ReadFile(filepath.Join(m.folder, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(content)
}

func (m *mayhem) tell(what string) { m.told = append(m.told, what) }

// pick is a random one.
func pick[T any](m *mayhem, list ...T) T { return list[m.random.IntN(len(list))] }

// round is one apply.
func (m *mayhem) round() {
	m.told = nil
	m.change(pick(m, 100, 3_000, 50_000, 400_000))
	m.compress(pick(m, "fast", "balanced", "maximum", "plain", "zstd", "bzip2"))
	if m.random.IntN(4) == 0 {
		m.write("mode", pick(m, "exit", "killed", "short", "slow"))
		m.sources++
		m.tell("source " + m.read("mode"))
	}
	m.damage()
	dies := m.random.IntN(2) == 0
	for range m.random.IntN(4) {
		m.inject(dies)
	}
	code, done := m.run(dies)
	m.heal()
	m.now = m.check(m.now)
	if done && !m.recorded() {
		m.t.Error("a backup was reported as done and is not in the state")
	}
	if code >= 0 && code < len(m.codes) {
		m.codes[code]++
	} else if code >= 0 {
		m.t.Errorf("exit status %d", code)
	}
}

// settle applies without any fault until nothing is left to do.
func (m *mayhem) settle() {
	m.lost = ""
	for range 6 {
		if _, err := m.apply(m.t.Context(), "calm.hcl"); err != nil {
			m.t.Fatal(err)
		}
		if plan := m.plan("calm.hcl"); !plan.HasChanges() {
			break
		}
	}
	m.mend("calm.hcl")
	m.now = m.check(nil)
	for address, ids := range m.now {
		if len(ids) == 0 || len(ids) > 2 {
			m.t.Errorf("%s has %q at the end", address, ids)
		}
	}
}

// compress has the next apply use a method.
func (m *mayhem) compress(method string) {
	m.tell("compression " + method)
	lines := strings.Split(m.read("due.hcl"), "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "  compression = ") {
			lines[i] = "  compression = compression." + method
		}
	}
	m.write("due.hcl", strings.Join(lines, "\n"))
}

// inject lets something go wrong at one of the clouds. What would wait for long happens only to an apply that is killed.
func (m *mayhem) inject(dies bool) {
	address := pick(m, atGCS, atAzure, atStrict)
	faults := map[string]testenv.Fault{
		"reset": testenv.Reset(), "reset mid-body": testenv.ResetMidBody(), "lost answer": testenv.LostAnswer(), "cut answer": testenv.CutAnswer(),
		"429": testenv.AzureAnswer(429, "TooManyRequests"), "503": refusal(address, 503), "403": refusal(address, 403), "412": refusal(address, 412),
		"half-closed": testenv.HalfClosed(), "slow": testenv.Slow(time.Millisecond),
	}
	if dies {
		faults["stalled"] = testenv.Stall()
	}
	var names []string
	for name := range faults {
		names = append(names, name)
	}
	slices.Sort(names)
	name := pick(m, names...)
	after, times := m.random.IntN(12), 1+m.random.IntN(2)
	m.tell(name + " at " + address)
	m.clouds.proxy(address).Inject(testenv.Rule{Fault: faults[name], Times: times, Match: func(*http.Request) bool {
		after--
		return after < 0
	}})
}

// damage alters something that is stored or recorded, at one destination of those that still have another good copy.
func (m *mayhem) damage() {
	if m.random.IntN(3) != 0 {
		return
	}
	m.damages++
	files, err := filepath.Glob(filepath.Join(m.folder, "disk", "data", "*"))
	if err != nil || len(files) == 0 {
		m.t.Fatal("there is nothing at the disk", err)
	}
	victim := pick(m, files...)
	how := pick(m, "cut", "flipped", "deleted", "state")
	if how == "state" {
		m.damageState()
		return
	}
	// Nothing more is expected of the disk until everything is mended.
	m.lost = atDisk
	m.damaged["data/"+strings.TrimSuffix(filepath.Base(victim), state.ManifestSuffix)] = true
	switch how {
	case "deleted":
		m.tell("deleted " + victim)
		if err := os.Remove(victim); err != nil {
			m.t.Error(err)
		}
	default:
		m.tell(how + " " + victim)
		data := []byte(m.read(strings.TrimPrefix(victim, m.folder)))
		if how == "cut" || len(data) == 0 {
			data = data[:len(data)/2]
		} else {
			data[len(data)/2] ^= 1
		}
		if err := os.WriteFile(victim, data, 0o600); err != nil {
			m.t.Error(err)
		}
	}
}

// damageState cuts the state, expects that nothing is done with it, and brings it back.
func (m *mayhem) damageState() {
	m.tell("state cut")
	path := filepath.Join(m.folder, ".imsctl", "state.json")
	content := m.read(".imsctl/state.json")
	backup, err := os.ReadFile(path + ".backup")
	for _, name := range []string{path, path + ".backup"} {
		if err := os.WriteFile(name, []byte(content[:len(content)/2]), 0o600); err != nil {
			m.t.Fatal(err)
		}
	}
	if m.child("due.hcl").Run() == nil {
		m.t.Error("an apply with a state that is cut succeeded")
	}
	if writeErr := os.WriteFile(path, []byte(content), 0o600); writeErr != nil {
		m.t.Fatal(writeErr)
	}
	if err != nil {
		_ = os.Remove(path + ".backup")
	} else if writeErr := os.WriteFile(path+".backup", backup, 0o600); writeErr != nil {
		m.t.Fatal(writeErr)
	}
}

// run applies, and kills that at a random moment. It returns the exit status, -1 for one that was killed, and whether the backup
// was reported as done.
func (m *mayhem) run(dies bool) (code int, done bool) {
	command := exec.Command("imsctl", "apply", "-auto-approve", "-json", filepath.Join(m.folder, "due.hcl"))
	var output, said bytes.Buffer
	command.Stdout, command.Stderr = &output, &said
	began := time.Now()
	if err := command.Start(); err != nil {
		m.t.Fatal(err)
	}
	if dies {
		// By what it says, or at any time at all.
		timer := time.AfterFunc(time.Duration(m.random.Int64N(int64(m.window)+1)), func() { _ = command.Process.Kill() })
		defer timer.Stop()
	}
	err := command.Wait()
	if !dies {
		m.window = (3*m.window + time.Since(began)) / 4
	}
	m.tell("exit " + command.ProcessState.String() + ": " + said.String())
	for line := range bytes.Lines(output.Bytes()) {
		var event struct{ Type, Kind string }
		if json.Unmarshal(line, &event) == nil && event.Type == "apply_complete" && event.Kind == "backup" {
			done = true
		}
	}
	if err != nil && command.ProcessState.ExitCode() < 0 {
		m.kills++
		return -1, done
	}
	return command.ProcessState.ExitCode(), done
}

// recorded reports whether the state has an artifact of what the source gives now.
func (m *mayhem) recorded() bool {
	document, err := m.backend().Read(context.WithoutCancel(m.t.Context()))
	if err != nil {
		m.t.Fatal(err)
	}
	return slices.ContainsFunc(document.Artifacts, func(artifact *state.Artifact) bool { return artifact.Raw.SHA256 == m.newest })
}
