package site

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// logsScript writes the logs of the containers of the project $1: what they are and start as, and then each line behind the container
// and its time. $2 is how many of the last lines of what is there already, $3 whether to go on ("follow"). Each start of a container
// is followed by itself, from the end of the life before: a line may be there before the engine says that it has started. So neither a container that is made
// anew nor one that is started again is missed. What it starts ends with it.
const logsScript = `project=$1 tail=$2 follow=$3
trap 'trap - TERM; kill 0' TERM HUP INT
seen=" "
read_one() { docker logs --timestamps "$@" 2>&1 | sed -u "s/^/L $service /"; }
while :; do
  ids=$(docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project" --filter "label=com.docker.compose.oneoff=False") || exit
  if [ -n "$ids" ]; then
    list=$(docker inspect --format '{{.Id}}@{{.State.StartedAt}}@{{.State.FinishedAt}}@{{index .Config.Labels "com.docker.compose.service"}}' $ids 2>/dev/null)
    for one in $list; do
      id=${one%%@*} rest=${one#*@}
      started=${rest%%@*} rest=${rest#*@}
      finished=${rest%%@*} service=${rest#*@}
      case $started in 0001-*) continue ;; esac
      case $seen in *" $id@$started "*) continue ;; esac
      seen="$seen$id@$started "
      case $tail$finished in
        0001-*) set -- --tail all ;;
        "$finished") set -- --since "$finished" ;;
        *) set -- --tail "$tail" ;;
      esac
      if [ "$follow" = follow ]; then read_one --follow "$@" "$id" & else read_one "$@" "$id"; fi
    done
  fi
  [ "$follow" = follow ] || break
  tail=
  sleep 0.5 || sleep 1
done
wait`

// Logs writes the logs of services, or of all, line by line with the name of the service before each. With follow it goes on, also
// through a deploy and over a connection that breaks, until ctx ends; that it ended is no error then.
func (s *Site) Logs(ctx context.Context, services []string, tail int, follow bool, written io.Writer) error {
	c, err := s.activeCall(ctx)
	if err != nil {
		return err
	}
	if err := s.haveServices(ctx, c.project, services); err != nil {
		return err
	}
	lines := &logLines{services: services, to: written, width: 0}
	count, how := "all", ""
	if tail >= 0 {
		count = strconv.Itoa(tail)
	}
	if follow {
		how = "follow"
	}
	for {
		var said bytes.Buffer
		err := s.host.Run(ctx, providers.Command{
			Arguments: []string{"sh", "-c", logsScript, "imsctl", c.project, count, how}, Stdout: lines, Stderr: &said,
		})
		switch {
		case lines.err != nil:
			return lines.err
		case follow && ctx.Err() != nil:
			return nil
		case err == nil && !follow:
			return lines.flush()
		case follow && (err == nil || errors.Is(err, providers.ErrTemporary)):
			// A connection that broke, or an engine that was started again. What was said before is known.
			lines.broken()
			count = "1000"
			if clock.Sleep(ctx, time.Second) != nil {
				return nil
			}
		default:
			return fmt.Errorf("reading the logs: %w", err)
		}
	}
}

// haveServices holds that the services that are asked for have containers, where the project has any: what is awaited of a service that does not
// exist would never come.
func (s *Site) haveServices(ctx context.Context, project string, services []string) error {
	if len(services) == 0 {
		return nil
	}
	containers, err := s.containers(ctx, project)
	if err != nil {
		return err
	}
	var known []string
	for i := range containers {
		known = append(known, containers[i].Service)
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, service := range services {
		if len(known) > 0 && !slices.Contains(known, service) {
			return fmt.Errorf("no service %q has a container; there is %s", service, strings.Join(known, ", "))
		}
	}
	return nil
}

// logLines passes lines of the script on.
type logLines struct {
	mu       sync.Mutex
	services []string
	to       io.Writer
	width    int
	rest     []byte
	// newest are the times of the last lines by service, and known those of before a connection broke.
	newest, known map[string]string
	err           error
}

// Write takes what the script writes.
func (l *logLines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		line, rest, ok := bytes.Cut(l.rest, []byte("\n"))
		if !ok {
			break
		}
		if err := l.pass(string(line)); err != nil {
			l.err = err
			return 0, err
		}
		l.rest = rest
	}
	// The beginning of the buffer is not kept for ever.
	l.rest = append([]byte(nil), l.rest...)
	return len(p), nil
}

// flush passes on what has no end.
func (l *logLines) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rest) == 0 {
		return nil
	}
	rest := string(l.rest)
	l.rest = nil
	return l.pass(rest)
}

// broken forgets the half of a line, and remembers what was passed on.
func (l *logLines) broken() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest, l.known = nil, make(map[string]string)
	for service, at := range l.newest {
		l.known[service] = at
	}
}

// pass passes one line on: "L SERVICE TIME TEXT".
func (l *logLines) pass(line string) error {
	parts := strings.SplitN(line, " ", 4)
	if len(parts) < 3 || parts[0] != "L" {
		return nil
	}
	service, at, text := parts[1], parts[2], ""
	if len(parts) == 4 {
		text = parts[3]
	}
	if len(l.services) > 0 && !slices.Contains(l.services, service) || at <= l.known[service] {
		return nil
	}
	if l.newest == nil {
		l.newest = make(map[string]string)
	}
	l.newest[service] = max(l.newest[service], at)
	l.width = max(l.width, len(service))
	_, err := fmt.Fprintf(l.to, "%-*s | %s\n", l.width, service, strings.TrimRight(text, "\r"))
	return err
}
