package directory

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/castrolanda/imsctl/internal/mention"
	"github.com/castrolanda/imsctl/providers"
)

// places are where cron, systemd and the start of the system keep what they run. Patterns are the shell's.
const places = `/etc/crontab /etc/anacrontab /etc/cron.d /etc/cron.hourly /etc/cron.daily /etc/cron.weekly /etc/cron.monthly ` +
	`/var/spool/cron /etc/systemd /run/systemd/system /run/systemd/transient /run/systemd/generator /usr/local/lib/systemd /usr/lib/systemd /lib/systemd ` +
	`/root/.config/systemd /home/*/.config/systemd /root/.local/share/systemd /home/*/.local/share/systemd /etc/rc.local /etc/init.d /etc/fstab`

// mentionScript prints the lines of those files that have the name of the folder in them, and where their links lead, as records
// that each end with a NUL; what a link leads to is read by the name of the link, for a unit may be kept elsewhere ("systemctl link").
// The name and the places come in the environment.
const mentionScript = `
set --
for p in $IMSCTL_PLACES; do
	[ -e "$p" ] && set -- "$@" "$p"
done
[ $# -gt 0 ] || exit 0
printf '%s\n' "$IMSCTL_NAME" | grep -r -I -F -n -H -f - -- "$@" | tr '\n' '\0'
find "$@" -type l -printf '%p:0:%l\0'
find "$@" -type l -xtype f -exec grep -I -F -n -H -e "$IMSCTL_NAME" -- {} + | tr '\n' '\0'
find "$@" -type l -xtype d -exec sh -c 'grep -I -F -n -H -d skip -D skip -e "$IMSCTL_NAME" -- "$1"/*' sh {} \; | tr '\n' '\0'`

// mentions says which lines of cron, and which units, are about the folder.
func (i *inspection) mentions(ctx context.Context) {
	said, complaints, err := i.runLoosely(ctx, providers.Command{
		Arguments: []string{"sh", "-c", mentionScript}, Environment: []string{"IMSCTL_NAME=" + path.Base(i.path), "IMSCTL_PLACES=" + i.places},
	})
	switch {
	case err != nil:
		i.refuse("cron and systemd cannot be looked at: %v", err)
		return
	case serious(complaints) != "":
		i.refuse("cron and systemd cannot be looked at: %s", serious(complaints))
	}
	found, told := false, make(map[string]bool)
	for _, record := range slices.Sorted(strings.SplitSeq(said, "\x00")) {
		file, number, line := cutMention(record)
		// A unit that is wanted is linked to by its name.
		same := path.Base(file) + ":" + number + ":" + line
		switch {
		case file == "" || isComment(line) || !i.mentioned(line) || told[same]:
			continue
		case number == "0":
			i.wait("%s leads to %s", file, line)
		default:
			i.wait("%s:%s mentions it: %s", file, number, shortened(strings.TrimSpace(line)))
		}
		found, told[same] = true, true
	}
	if !found {
		i.fact("no line of cron and no unit of systemd mentions it")
	}
}

// cutMention divides what grep prints of a line. Names with a colon and a number are rare enough, and are cut at the first.
func cutMention(record string) (file, number, line string) {
	rest := record
	for {
		head, tail, ok := strings.Cut(rest, ":")
		if !ok {
			return "", "", ""
		}
		file += head
		if digits, text, ok := strings.Cut(tail, ":"); ok && digits != "" && strings.Trim(digits, "0123456789") == "" {
			return file, digits, text
		}
		file, rest = file+":", tail
	}
}

// isComment reports whether a line is a comment for cron, a unit or a shell.
func isComment(line string) bool {
	line = strings.TrimSpace(line)
	return strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";")
}

// mentioned reports whether a line is about the folder, also where it is told from the home that it is in.
func (i *inspection) mentioned(line string) bool {
	if mention.In(line, i.path) {
		return true
	}
	var below string
	switch parts := strings.SplitN(strings.TrimPrefix(i.path, "/"), "/", 3); {
	case parts[0] == "home" && len(parts) == 3:
		below = parts[2]
		if mention.In(line, "~"+parts[1]+"/"+below) {
			return true
		}
	case parts[0] == "root" && len(parts) > 1:
		below = strings.TrimPrefix(i.path, "/root/")
	default:
		return false
	}
	for _, home := range []string{"~/", "$HOME/", "${HOME}/", "%h/"} {
		if mention.In(line, home+below) {
			return true
		}
	}
	return false
}
