package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/planner"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// mode lets the source go wrong in a way of its script.
func mode(name string) func(*site) { return func(s *site) { s.write("mode", name) } }

// none is a cell that there is not.
func none(reason string) []cell { return []cell{{none: reason}} }

// matrix are the cells by fault and target.
func matrix(t *testing.T) map[[2]string][]cell {
	cells := make(map[[2]string][]cell)
	add := func(target string, rows map[string][]cell) {
		for fault, list := range rows {
			cells[[2]string{fault, target}] = list
		}
	}
	everywhere := []string{atDisk, atGCS, atAzure}
	dump := func(c cell) []cell { c.to, c.database = everywhere, true; return []cell{c} }
	add("source", map[string][]cell{
		"exit≠0":          dump(cell{arm: mode("exit")}),
		"killed":          dump(cell{arm: mode("killed")}),
		"stalled":         dump(cell{do: held(func(s *site, reached <-chan struct{}, _ func()) string { return interrupt(s, reached) })}),
		"short read":      dump(cell{arm: mode("short")}),
		"disk full":       none("a source is only read"),
		"503":             none("a database says so by closing the session, which is the next row"),
		"reset mid-chunk": dump(cell{do: held(terminate)}),
		"412":             none("reading has no preconditions"),
		"403":             dump(cell{arm: (*site).forbid}),
		"slow":            dump(cell{arm: mode("slow")}),
		"lost response":   none("an exit status cannot be lost; a lost session is \"reset\""),
		"clock skew":      none("the times of an artifact are this machine's"),
		"kill -9":         dump(cell{do: held(kill)}),
	})
	add("codec", codecCells(everywhere))
	add("local", localCells())
	for target, address := range map[string]string{"gcs": atGCS, "azblob": atAzure, "strict": atStrict} {
		add(target, cloudCells(address))
	}
	add("manifest write", manifestCells())
	add("state write", stateCells(t, everywhere))
	return cells
}

// terminate ends the database's sessions in the middle of a dump.
func terminate(s *site, reached <-chan struct{}, release func()) string {
	go func() {
		<-reached
		s.terminateSessions()
		release()
	}()
	return s.suffer()
}

// codecCells are what can go wrong with compression.
func codecCells(to []string) map[string][]cell {
	within := "it runs in imsctl's own process"
	broken := func(drop bool) func(*site) {
		return func(s *site) {
			s.codec = func(inner providers.Codec) providers.Codec {
				return faultyCodec{inner, func(w io.WriteCloser) io.WriteCloser { return &failingWriter{w, 10_000, drop} }}
			}
		}
	}
	return map[string][]cell{
		"exit≠0":     {{to: to, arm: broken(false)}},
		"killed":     none(within),
		"stalled":    none(within),
		"short read": {{to: to, arm: broken(true)}},
		"disk full":  none("it writes no file"),
		"503":        none(within), "reset mid-chunk": none(within), "412": none(within), "403": none(within),
		"slow":          {{to: to, method: "maximum", size: 200_000}},
		"lost response": none(within),
		"clock skew":    none("it knows no time"),
		"kill -9":       {{to: to, method: "maximum", do: held(kill)}},
	}
}

// localCells are what can go wrong with a disk.
func localCells() map[string][]cell {
	to := []string{atDisk, atGCS}
	none503 := "a disk has no such answer"
	refusing := func(err error) func(string) error { return func(string) error { return err } }
	arm := func(faults fileFaults) func(*site) { return func(s *site) { s.files.set(faults) } }
	return map[string][]cell{
		"exit≠0":  none("a disk is no process"),
		"killed":  none("a disk is no process"),
		"stalled": {{to: to, do: stalledDisk}},
		"short read": {{to: to, do: func(s *site) string {
			return readBadly(s, atDisk, atGCS, func() { s.files.set(fileFaults{cut: isData}) })
		}}},
		"disk full":       {{to: to, arm: arm(fileFaults{write: refusing(syscall.ENOSPC)})}},
		"503":             none(none503),
		"reset mid-chunk": none(none503),
		"412": {{to: to, arm: arm(fileFaults{link: func(_, to string, do func() error) error {
			if err := os.WriteFile(to, []byte("a stranger's"), 0o600); err != nil {
				return err
			}
			return do()
		}})}},
		"403":  {{to: to, arm: arm(fileFaults{create: refusing(syscall.EACCES)})}},
		"slow": {{to: to, arm: arm(fileFaults{write: func(string) error { time.Sleep(time.Millisecond); return nil }})}},
		"lost response": {{to: to, arm: arm(fileFaults{link: func(from, to string, do func() error) error {
			// A network file system repeats the request whose answer was lost, and is told of its own success.
			return errors.Join(do(), &os.LinkError{Op: "link", Old: from, New: to, Err: syscall.EEXIST})
		}})}},
		"clock skew": none("its time is this machine's"),
		"kill -9":    {{to: to, do: held(kill)}},
	}
}

func isData(path string) bool { return !strings.HasSuffix(path, state.ManifestSuffix) }

// stalledDisk lets the disk take nothing until the apply is over.
func stalledDisk(s *site) string {
	over := make(chan struct{})
	s.stallLimit = stallLimit
	s.files.set(fileFaults{write: func(string) error { <-over; return syscall.EIO }})
	outcome := s.suffer()
	// What the disk still has to do then is what a process that ends now leaves there.
	document, err := s.backend().Read(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	_, world, _ := s.open("calm.hcl")
	s.reported(atDisk, world.Destinations[atDisk], document)
	close(over)
	return outcome
}

// readBadly loses a copy at one destination, lets its repair from another one read badly, and then lets a backup happen.
func readBadly(s *site, from, lost string, arm func()) string {
	_, world, _ := s.open("calm.hcl")
	err := world.Destinations[lost].List(s.t.Context(), "data/", func(object providers.Object) error {
		return world.Destinations[lost].Delete(s.t.Context(), object.Key, object.Version)
	})
	if err != nil {
		s.t.Fatal(err)
	}
	s.lost = lost
	arm()
	report, err := s.apply(s.t.Context(), "calm.hcl")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, entry := range report.Entries {
		s.t.Logf("%s: %s %v", entry.Action.Common().Address, entry.Status, entry.Err)
		if entry.Action.Kind() == planner.KindRepair {
			return "repair " + string(entry.Status)
		}
	}
	s.t.Error("nothing was repaired")
	return ""
}

// large is more than a chunk, so that the stores are written to in several requests.
const large = 18 << 20

// stallLimit is how long the executor waits for a destination that stalls. The healthy ones are far from it.
const stallLimit = 3 * time.Second

// isWriting picks the requests that change something.
func isWriting(r *http.Request) bool {
	return r.Method != http.MethodGet && r.Method != http.MethodHead
}

// isReadingData picks the requests for the bytes of an artifact.
func isReadingData(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/data/") && isData(r.URL.Path) &&
		(r.URL.Query().Get("alt") == "media" || !strings.Contains(r.URL.Path, "/storage/v1/")) && r.URL.Query().Get("comp") == ""
}

// refusal is an answer that a store gives instead of doing something.
func refusal(address string, status int) testenv.Fault {
	azure := map[int]string{403: "AuthorizationFailure", 412: "ConditionNotMet", 503: "ServerBusy"}
	gcs := map[int]string{403: "forbidden", 412: "conditionNotMet", 503: "backendError"}
	if address == atAzure {
		return testenv.AzureAnswer(status, azure[status])
	}
	return testenv.GCSAnswer(status, gcs[status], "the store says "+gcs[status])
}

// injecting arms a proxy.
func injecting(address string, rule testenv.Rule) func(*site) {
	return func(s *site) { s.clouds.proxy(address).Inject(rule) }
}

// stalled arms a proxy with requests that are never answered, and lets the executor wait less long than usual.
func stalled(address string, match func(*http.Request) bool) func(*site) {
	return func(s *site) {
		s.stallLimit = stallLimit
		s.clouds.proxy(address).Inject(testenv.Rule{Fault: testenv.Stall(), Match: match})
	}
}

// killedAt kills the process when the first request that matches has come to a proxy.
func killedAt(address string, match func(*http.Request) bool) func(*site) string {
	return func(s *site) string {
		reached := make(chan struct{}, 100)
		s.clouds.proxy(address).Inject(testenv.Rule{Fault: testenv.Stall(), Match: match, Hit: func(*http.Request) { reached <- struct{}{} }})
		return kill(s, reached, s.clouds.proxy(address).Heal)
	}
}

// killedWhen kills the process when the manifest has come to a proxy, with a fault, and is at all other destinations.
func killedWhen(address string, fault func(chan<- struct{}) testenv.Fault, others ...string) func(*site) string {
	return func(s *site) string {
		arrived, reached := make(chan struct{}, 100), make(chan struct{})
		s.clouds.proxy(address).Inject(testenv.Rule{Fault: fault(arrived), Match: isManifest, Hit: func(*http.Request) { arrived <- struct{}{} }})
		go func() {
			defer close(reached)
			<-arrived
			s.awaitManifests(2, others...)
		}()
		return kill(s, reached, s.clouds.proxy(address).Heal)
	}
}

// cloudCells are what can go wrong with a bucket or container.
func cloudCells(address string) map[string][]cell {
	to := []string{atDisk, address}
	one := func(c cell) []cell { c.to = to; return []cell{c} }
	arm := func(rule testenv.Rule) []cell { return one(cell{arm: injecting(address, rule)}) }
	return map[string][]cell{
		"exit≠0": none("a store is no process of ours"),
		"killed": arm(testenv.Rule{Fault: testenv.Reset(), Match: isWriting}),
		// So much that every store has to answer before the end: at the end it would be waited for ten times longer.
		"stalled": one(cell{method: "plain", size: 2*large + 4<<20, arm: stalled(address, isWriting)}),
		"short read": one(cell{do: func(s *site) string {
			return readBadly(s, address, atDisk, func() {
				s.clouds.proxy(address).Inject(testenv.Rule{Fault: testenv.CutAnswer(), Match: isReadingData, Times: 1})
			})
		}}),
		"disk full":       none("a bucket has no end"),
		"503":             arm(testenv.Rule{Fault: refusal(address, 503), Match: isWriting}),
		"reset mid-chunk": one(cell{method: "plain", size: large, arm: injecting(address, testenv.Rule{Fault: testenv.ResetMidBody(), Match: isWriting, Times: 2})}),
		"412":             arm(testenv.Rule{Fault: refusal(address, 412), Match: isWriting}),
		"403":             arm(testenv.Rule{Fault: refusal(address, 403), Match: isWriting}),
		"slow":            arm(testenv.Rule{Fault: testenv.Slow(time.Millisecond)}),
		"lost response":   arm(testenv.Rule{Fault: testenv.LostAnswer(), Match: isWriting, Times: 1}),
		"clock skew": arm(testenv.Rule{Fault: testenv.Altered(func(r *http.Response) {
			r.Header.Set("Date", time.Now().Add(10*time.Minute).UTC().Format(http.TimeFormat))
		})}),
		"kill -9": one(cell{do: killedAt(address, isWriting)}),
	}
}

// manifestCells are what can go wrong when all the bytes are there, at each destination.
func manifestCells() map[string][]cell {
	each := func(fault func(address string) cell) (list []cell) {
		for _, address := range []string{atGCS, atAzure, atStrict} {
			c := fault(address)
			c.to = []string{atDisk, address}
			list = append(list, c)
		}
		return list
	}
	armed := func(fault func(address string) testenv.Fault, times int) func(string) cell {
		return func(address string) cell {
			return cell{arm: injecting(address, testenv.Rule{Fault: fault(address), Match: isManifest, Times: times})}
		}
	}
	disk := func(err error) cell {
		return cell{to: []string{atDisk, atGCS}, arm: func(s *site) {
			s.files.set(fileFaults{write: func(path string) error {
				if strings.Contains(filepath.Base(path), state.ManifestSuffix) {
					return err
				}
				return nil
			}})
		}}
	}
	return map[string][]cell{
		"exit≠0":          none("it is written by imsctl itself"),
		"killed":          each(armed(func(string) testenv.Fault { return testenv.Reset() }, 0)),
		"stalled":         each(func(address string) cell { return cell{arm: stalled(address, isManifest), do: nil} }),
		"short read":      none("it is written, not read"),
		"disk full":       {disk(syscall.ENOSPC)},
		"503":             each(armed(func(address string) testenv.Fault { return refusal(address, 503) }, 0)),
		"reset mid-chunk": each(armed(func(string) testenv.Fault { return testenv.ResetMidBody() }, 2)),
		"412":             each(armed(func(address string) testenv.Fault { return refusal(address, 412) }, 0)),
		"403":             append(each(armed(func(address string) testenv.Fault { return refusal(address, 403) }, 0)), disk(syscall.EACCES)),
		"slow":            each(armed(func(string) testenv.Fault { return testenv.Slow(time.Millisecond) }, 0)),
		"lost response":   each(armed(func(string) testenv.Fault { return testenv.LostAnswer() }, 1)),
		"clock skew":      none("its times are this machine's"),
		"kill -9": each(func(address string) cell {
			return cell{do: killedWhen(address, func(chan<- struct{}) testenv.Fault { return testenv.Stall() }, atDisk)}
		}),
	}
}

// isManifest picks the requests that write a manifest: by their address, or by what they begin with.
func isManifest(r *http.Request) bool {
	if !isWriting(r) {
		return false
	}
	if strings.Contains(r.URL.Path, state.ManifestSuffix) || strings.Contains(r.URL.RawQuery, state.ManifestSuffix) {
		return true
	}
	// Metadata come first; an artifact of 18 MiB is not looked through.
	body := testenv.Body(r)
	return bytes.Contains(body[:min(len(body), 4096)], []byte(state.ManifestSuffix))
}

// stateCells are what can go wrong when something is recorded.
func stateCells(t *testing.T, to []string) map[string][]cell {
	file := "it is a file on this machine"
	recording := func(begin, end error, lost bool) cell {
		return cell{to: to, arm: func(s *site) {
			s.session = func(inner state.Session) state.Session { return &faultySession{inner, begin, end, lost} }
		}}
	}
	return map[string][]cell{
		"exit≠0":          none("it is written by imsctl itself"),
		"killed":          none("it is written by imsctl itself"),
		"stalled":         none("whoever writes a file waits for the disk"),
		"short read":      {{to: to, do: tornJournal}},
		"disk full":       {recording(syscall.ENOSPC, nil, false), recording(nil, syscall.ENOSPC, false)},
		"503":             none(file),
		"reset mid-chunk": none(file),
		"412":             {{to: to, do: locked}},
		"403":             {recording(syscall.EACCES, nil, false)},
		"slow":            none("nothing waits for it with a limit"),
		"lost response":   {recording(nil, syscall.EIO, true)},
		"clock skew": {{to: to, doubted: true, arm: func(s *site) {
			s.clock = clock.NewManual(time.Now().Add(-10 * time.Minute))
		}}},
		// All manifests are there, and the last answer, after which the state is written, never comes.
		"kill -9": {{to: to, do: killedWhen(atAzure, testenv.HeldAnswer, atDisk, atGCS, atAzure)}},
	}
}

// tornJournal kills an apply and leaves half a record at the end of the journal.
func tornJournal(s *site) string {
	outcome := held(kill)(s)
	path := filepath.Join(s.folder, ".imsctl", "state.json.journal")
	content, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	journal, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer journal.Close()
	lines := bytes.SplitAfter(content, []byte("\n"))
	last := lines[len(lines)-2]
	if _, err := journal.Write(last[:len(last)/2]); err != nil {
		s.t.Fatal(err)
	}
	return outcome
}

// locked lets somebody else change the state meanwhile.
func locked(s *site) string {
	session, err := s.backend().Lock(s.t.Context(), state.LockInfo{ID: "other"}, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	defer session.Close()
	return s.suffer()
}
