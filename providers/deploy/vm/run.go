package vm

import (
	"archive/tar"
	"bytes"
	"context"
	_ "embed" // of the script
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// How far a run goes.
const (
	staged  = "staged"
	running = "running"
)

// The script: how a release is made, and what is done with it.
var (
	//go:embed seal.sh
	sealing string
	//go:embed run.sh
	deploying string
)

// aliveScript defines alive, which tells whether the run in the folder $run is at work, and ended, whether it came to an end that is one for the
// goal $goal.
const aliveScript = `alive() { p=$(cat "$run/pid" 2>/dev/null) && [ -n "$p" ] && tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null | grep -qF "$run/script"; }
ended() { case $goal$(tail -n 1 "$run/status" 2>/dev/null) in staged*' end failed '* | running*' end staged'*) return 1 ;; *' end '*) return 0 ;; esac; return 1; }
`

// startScript starts the run in the folder $1, unless it is at work or has ended. Its input is an archive of what the run needs.
const startScript = `run=$1 goal=$2
` + aliveScript + `umask 077
mkdir -p "$run" || exit
if ended || alive; then exit 0; fi
rm -f "$run/credentials"
tar -xof - -C "$run" || exit
command -v setsid >/dev/null || { echo "setsid is needed" >&2; exit 1; }
printf '%s begun\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" >>"$run/status"
setsid sh "$run/script" "$run" "$goal" </dev/null >>"$run/output" 2>&1 &
echo $! >"$run/pid"`

// lookScript tells how the run in the folder $1 does: whether it is at work, its status, what it noted of containers, and what it has said from the byte $3 on.
const lookScript = `run=$1 goal=$2
` + aliveScript + `if alive; then echo alive; else echo gone; fi
for name in status before after evidence; do
	lines=$(cat "$run/$name" 2>/dev/null | wc -l)
	echo "$name" $lines
	[ "$lines" -eq 0 ] || head -n "$lines" "$run/$name"
done
echo output
tail -c "+$(($3 + 1))" "$run/output" 2>/dev/null || :`

// run starts a run, or finds it, and follows it to its end. A run that ended without a result, as when its machine lost its power, is started
// again: it goes on from where it was.
func (d *deployer) run(ctx context.Context, release providers.Release, goal string, output io.Writer) (providers.Activation, error) {
	if d.Target().Repository == "" {
		return providers.Activation{}, errors.New("the host fetches what vm deploys from a remote: write its URL as repository")
	}
	archive, err := d.archive(release)
	if err != nil {
		return providers.Activation{}, err
	}
	f := &follower{deployer: d, folder: path.Join(d.Target().Path, ".imsctl", "run", release.ID), goal: goal, output: output}
	if err := f.publish(ctx, release); err != nil {
		return providers.Activation{}, err
	}
	for {
		if err := f.persist(ctx, func() error { return f.start(ctx, archive) }); err != nil {
			return providers.Activation{}, fmt.Errorf("starting the deploy on %s: %w", d.Host().Name(), err)
		}
		last, err := f.follow(ctx)
		if err != nil {
			return providers.Activation{}, fmt.Errorf("following the deploy on %s, which goes on by itself: %w", d.Host().Name(), err)
		}
		if end, ok := last.end(); ok {
			return last.activation(end)
		}
		if f.starts++; f.starts == maxStarts {
			return providers.Activation{}, fmt.Errorf("the deploy on %s was ended by something %d times while it was %s", d.Host().Name(), f.starts, last.phase())
		}
	}
}

// maxStarts is how often a run is started that ends without a result.
const maxStarts = 5

// archive is what a run needs, as a tar.
func (d *deployer) archive(release providers.Release) ([]byte, error) {
	text, credentials, err := settings(d.Target(), release)
	if err != nil {
		return nil, err
	}
	var buffer bytes.Buffer
	w := tar.NewWriter(&buffer)
	for _, file := range []struct {
		name    string
		content []byte
	}{{"script", []byte(sealing + deploying)}, {"settings", []byte(text)}, {"credentials", []byte(credentials)}} {
		if len(file.content) == 0 {
			continue
		}
		if err := w.WriteHeader(&tar.Header{Name: file.name, Typeflag: tar.TypeReg, Mode: 0o600, Size: int64(len(file.content))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(file.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}

// follower follows one run.
type follower struct {
	*deployer
	folder, goal string
	output       io.Writer
	// passed is how much of the output was passed on, in bytes.
	passed int64
	starts int
}

// persist tries something until the host can be reached, or has not been for too long.
func (f *follower) persist(ctx context.Context, try func() error) error {
	begun := f.clock.Now()
	for {
		err := try()
		if err == nil || !errors.Is(err, providers.ErrTemporary) || f.clock.Now().Sub(begun) > f.patience {
			return err
		}
		if err := clock.Sleep(ctx, 2*f.look); err != nil {
			return err
		}
	}
}

// publish publishes the commit, unless the host was told to fetch it before.
func (f *follower) publish(ctx context.Context, release providers.Release) error {
	var known report
	err := f.persist(ctx, func() (err error) {
		known, err = f.lookAt(ctx)
		return err
	})
	switch {
	case err != nil:
		return fmt.Errorf("looking for the deploy on %s: %w", f.Host().Name(), err)
	case len(known.status) > 0:
		return nil
	}
	return f.deployer.publish(ctx, release, f.output)
}

// start starts the run where it is not at work.
func (f *follower) start(ctx context.Context, archive []byte) error {
	return f.Host().Run(ctx, providers.Command{Arguments: []string{"sh", "-c", startScript, "start", f.folder, f.goal}, Stdin: bytes.NewReader(archive)})
}

// follow looks until the run has ended, or is not at work any more.
func (f *follower) follow(ctx context.Context) (report, error) {
	for {
		var last report
		err := f.persist(ctx, func() (err error) {
			last, err = f.lookAt(ctx)
			return err
		})
		if err != nil {
			return last, err
		}
		if _, ended := last.end(); ended || !last.alive {
			return last, nil
		}
		if err := clock.Sleep(ctx, f.look); err != nil {
			return last, err
		}
	}
}

// lookAt looks once, and passes on what was said since.
func (f *follower) lookAt(ctx context.Context) (report, error) {
	var said bytes.Buffer
	command := providers.Command{Arguments: []string{"sh", "-c", lookScript, "look", f.folder, f.goal, strconv.FormatInt(f.passed, 10)}, Stdout: &said}
	if err := f.Host().Run(ctx, command); err != nil {
		return report{}, err
	}
	last, output, err := parseReport(said.String())
	if err != nil {
		return last, err
	}
	if _, err := io.WriteString(f.output, output); err != nil {
		return last, fmt.Errorf("passing on what the host says: %w", err)
	}
	f.passed += int64(len(output))
	return last, nil
}

// report is how a run does.
type report struct {
	alive bool
	// status, before, after and evidence are the lines of these files.
	status, before, after, evidence []string
}

// parseReport reads what lookScript writes, and what the run said behind that.
func parseReport(text string) (report, string, error) {
	var r report
	line := func() string {
		var first string
		first, text, _ = strings.Cut(text, "\n")
		return first
	}
	r.alive = line() == "alive"
	for _, part := range []struct {
		name  string
		lines *[]string
	}{{"status", &r.status}, {"before", &r.before}, {"after", &r.after}, {"evidence", &r.evidence}} {
		head := line()
		number, ok := strings.CutPrefix(head, part.name+" ")
		count, err := strconv.Atoi(number)
		if !ok || err != nil || count > strings.Count(text, "\n") {
			return r, "", fmt.Errorf("what the host says of the deploy was not understood: %q", head)
		}
		for range count {
			*part.lines = append(*part.lines, line())
		}
	}
	if head := line(); head != "output" {
		return r, "", fmt.Errorf("what the host says of the deploy was not understood: %q", head)
	}
	return r, text, nil
}

// phase is what the run was about to do last.
func (r report) phase() string {
	if len(r.status) == 0 {
		return "started"
	}
	_, phase, _ := strings.Cut(r.status[len(r.status)-1], " ")
	return phase
}

// end is the result, when there is one: what stands behind the word "end".
func (r report) end() (string, bool) { return strings.CutPrefix(r.phase(), "end ") }

// activation is what came of a run.
func (r report) activation(end string) (providers.Activation, error) {
	how, why, _ := strings.Cut(end, " ")
	done := providers.Activation{Services: r.restarted()}
	why = strings.TrimSpace(why)
	if len(r.evidence) > 0 {
		why += "\n  " + strings.Join(r.evidence, "\n  ")
	}
	switch how {
	case "staged", "promoted":
		return done, nil
	case "returned":
		return done, fmt.Errorf("the host went back to the release before: %s", why)
	case "stuck":
		return done, fmt.Errorf("the host is left with a release that is not well: %s", why)
	}
	if !slices.ContainsFunc(r.status, func(line string) bool {
		return strings.HasSuffix(line, " migrating") || strings.HasSuffix(line, " switching")
	}) {
		return done, fmt.Errorf("%w: %s", providers.ErrUntouched, why)
	}
	return done, errors.New(why)
}

// restarted are the services of which a container is new, or was started again.
func (r report) restarted() []string {
	var services []string
	for _, line := range r.after {
		if !slices.Contains(r.before, line) {
			service, _, _ := strings.Cut(line, " ")
			services = append(services, service)
		}
	}
	slices.Sort(services)
	return slices.Compact(services)
}
