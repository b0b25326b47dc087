package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// night makes a machine of namespaces, with an /etc, a /run and a /dev/shm of its own and the environment in /etc/imsctl, as the generated files
// want it. $1 is the folder that has them.
const night = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev/shm
mkdir -p /run/lock
cp -a /etc /run/etc
mount --bind /run/etc /etc
mkdir -p /etc/imsctl
cp "$1/imsctl.env" /etc/imsctl/
`

// bySystemd has a manager of units start the service, and end with it. What it needs of control groups is a hierarchy to name them in.
const bySystemd = night + `
manager=$(ls /usr/lib/systemd/systemd /lib/systemd/systemd 2>/dev/null | head -n 1)
mkdir -p /run/systemd/system /run/user/systemd/user/imsctl.service.d
cp "$1/imsctl.service" "$1/imsctl.timer" /run/user/systemd/user/
cat >/run/user/systemd/user/imsctl.service.d/test.conf <<END
[Unit]
SuccessAction=exit
SuccessActionExitStatus=0
FailureAction=exit
FailureActionExitStatus=1
[Service]
StandardOutput=append:$1/said
StandardError=append:$1/said
END
if ! [ -e /sys/fs/cgroup/cgroup.procs ]; then
  mount -t tmpfs tmpfs /sys/fs/cgroup
  mkdir /sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
fi
env -i PATH="$PATH" XDG_RUNTIME_DIR=/run/user SYSTEMD_LOG_TARGET=console "$manager" --user --unit=imsctl.service
`

// byCron has a cron daemon, whose clock says that the hour is about to be full, run what is in the crontab.
const byCron = night + `
mount -t tmpfs tmpfs /var/spool/cron
mkdir -m 1730 /var/spool/cron/crontabs
crontab "$1/imsctl.cron"
faketime '2026-11-29 01:59:57' cron -f
`

// atNight is a shell that is alone with its processes and its mounts, and with the generated files.
func (s *story) atNight(ctx context.Context, script string) *exec.Cmd {
	s.t.Helper()
	units := filepath.Join(s.Operator, "units")
	var environment strings.Builder
	for _, variable := range append(s.Environment(), "OPS_WEBHOOK="+s.notices.server.URL, "IMSCTL_TEST_NOW="+s.now.Format(time.RFC3339)) {
		name, value, _ := strings.Cut(variable, "=")
		environment.WriteString(name + "='" + value + "'\n")
	}
	if err := os.WriteFile(filepath.Join(units, "imsctl.env"), []byte(environment.String()), 0o600); err != nil {
		s.t.Fatal(err)
	}
	unshare := testenv.Need(s.t, "unshare")
	command := exec.CommandContext(ctx, unshare, "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script, "night", units)
	command.Env = append(os.Environ(), "TZ=UTC")
	return command
}

// runUnit has systemd run the generated service once.
func (s *story) runUnit() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	defer cancel()
	output, err := s.atNight(ctx, bySystemd).CombinedOutput()
	said := readText(s.t, filepath.Join(s.Operator, "units", "said"))
	s.t.Logf("systemd: %s\n%s", output, said)
	if err != nil {
		s.t.Errorf("the unit: %v", err)
	}
	s.says(said, "Apply complete")
}

// runCrontab has cron run the generated line, until it is done.
func (s *story) runCrontab(done func() bool) {
	s.t.Helper()
	testenv.Need(s.t, "cron")
	testenv.Need(s.t, "faketime")
	ctx, cancel := context.WithTimeout(s.t.Context(), 5*time.Minute)
	defer cancel()
	command := s.atNight(ctx, byCron)
	var said strings.Builder
	command.Stdout, command.Stderr = &said, &said
	if err := command.Start(); err != nil {
		s.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	for !(done() && !s.locked()) {
		select {
		case err := <-ended:
			s.t.Fatalf("cron has ended, and has not run the line: %v: %s", err, said.String())
		case <-time.After(200 * time.Millisecond):
		}
	}
	cancel()
	<-ended
}

// locked tells whether somebody is changing the state.
func (s *story) locked() bool {
	output, err := s.operator("imsctl", "state", "lock", "show").CombinedOutput()
	if err != nil {
		s.t.Fatalf("who has the lock: %v: %s", err, output)
	}
	return !strings.Contains(string(output), "is not locked")
}
