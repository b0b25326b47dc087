# Deploys one release, alone. $1 is the folder of the run, which has "settings"; $2 is "staged" or "running": how far to go.
#
# Before anything is done, "status" says so, durably: a line of the time and a word each, and at the end "end" with the result. Who finds a status
# without an end and no process goes on from there.
set -u
umask 022
trap '' HUP
export LC_ALL=C LANGUAGE=C GIT_TERMINAL_PROMPT=0 GIT_ASKPASS=
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_NAMESPACE

run=$1 goal=$2
. "$run/settings"
meta=$path/.imsctl folder=$path/releases/$id link=$path/current lock=$path/.imsctl/deploy.lock
staging=$folder.staging known=$meta/releases/$id mirror=$meta/repository.git

# durable makes a file so that it survives the loss of power.
durable() { sync "$1" 2>/dev/null || sync; }

# put writes standard input to the file $1, whole or not at all.
put() { cat >"$1.new" && durable "$1.new" && mv -f "$1.new" "$1"; }

# note adds a line to the status.
note() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >>"$run/status"; durable "$run/status"; }

# noted tells whether the status has a word.
noted() { grep -q "^[^ ]* $1\$" "$run/status" 2>/dev/null; }

# finish ends the run with a result and what is to be said of it.
finish() {
	note "end $*"
	rm -f "$run/credentials" "$run/pid"
	if [ -n "$heart" ]; then
		kill "$heart" 2>/dev/null
		wait "$heart" 2>/dev/null
	fi
	[ "$(holder)" != "vm-$id" ] || rm -f "$lock"
	exit 0
}

# said is the last that was said since the phase began, in one line, without what compose says of its progress.
said() {
	tail -c "+$((from + 1))" "$run/output" | grep -v -e '^[[:space:]]*$' -e '^ *\(Container\|Network\|Volume\|Image\) [^ ]* *[A-Z][a-z]* *$' |
		tail -n 3 | tr '\r\n' ' ;' | sed 's/; *$//'
}

# begin begins a phase.
begin() {
	[ ! -e "$run/lost" ] || finish "failed the deploy lock was taken by somebody else"
	from=$(wc -c <"$run/output")
	note "$1"
}

# try does a step; when it fails, so does the deploy, before anything that runs was touched.
try() {
	what=$1
	shift
	"$@" && return
	text=$(said)
	rm -rf "$staging"
	finish "failed $what: $text"
}

# holder is who has the deploy lock, same tells whether it is for this deploy too, as of somebody who takes it up.
same() {
	about=$(sed -n 's/.*"message": *"deploy of \([0-9a-f]*\)".*/\1/p' "$lock" 2>/dev/null | head -n 1)
	case $commit in "${about:-none}"*) ;; *) return 1 ;; esac
}
holder() { sed -n 's/.*"id": *"\([^"]*\)".*/\1/p' "$lock" 2>/dev/null | head -n 1; }

# beat keeps the deploy lock: that of who started us, and when that is given back, one of our own.
beat() {
	ours=$(holder)
	while kill -0 "$1" 2>/dev/null; do
		now=$(holder)
		case $now in
		"$ours" | "vm-$id") if [ -n "$now" ]; then touch -c "$lock"; fi ;;
		esac
		if [ -z "$now" ]; then
			stamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)
			printf '{"id":"vm-%s","by":"the host itself","pid":%s,"message":"deploy of %s","since":"%s","alive":"%s"}\n' "$id" "$1" "$commit" "$stamp" "$stamp" >"$run/lock"
			ln "$run/lock" "$lock" 2>/dev/null
			rm -f "$run/lock"
		elif [ "$now" != "$ours" ] && [ "$now" != "vm-$id" ]; then
			if [ -z "$ours" ] || same; then ours=$now; else : >"$run/lost"; fi
		fi
		sleep 3
	done
}

# fetch gets exactly the commit into the mirror.
fetch() {
	has_commit && return
	[ -d "$mirror/objects" ] || git init --quiet --bare --template= "$mirror" || return
	find "$mirror" -name '*.lock' -exec rm -f {} + # of a git that was killed: nobody else works here
	fetch_ref "$commit" || fetch_ref "refs/heads/$branch" || return
	has_commit && return
	echo "$url has no commit $commit in $branch: it was never pushed there, or the branch was pushed by force since"
	return 1
}

# has_commit proves that the mirror has the commit: git computes the hash of what it has.
has_commit() { [ "$(git --git-dir="$mirror" rev-parse --verify --quiet "$commit^{commit}" 2>/dev/null)" = "$commit" ] && git --git-dir="$mirror" cat-file -e "$commit^{tree}" 2>/dev/null; }

fetch_ref() {
	# What asks for a password gets it from the environment: arguments can be seen by all.
	helper='!f() { test "$1" = get && printf "username=%s\npassword=%s\n" "$IMSCTL_GIT_USER" "$IMSCTL_GIT_PASSWORD"; }; f'
	(
		wanted=$1
		set --
		if [ -e "$run/credentials" ]; then
			. "$run/credentials"
			set -- -c credential.helper= -c "credential.helper=$helper"
		fi
		ssh=${GIT_SSH_COMMAND:-$(git config --get core.sshCommand)}
		export GIT_SSH_COMMAND="${ssh:-ssh} -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4" GIT_ALLOW_PROTOCOL=file:git:http:https:ssh
		exec git --git-dir="$mirror" -c gc.autoDetach=false -c maintenance.autoDetach=false -c http.lowSpeedLimit=1 -c http.lowSpeedTime=60 "$@" \
			fetch --quiet --no-tags --no-write-fetch-head --end-of-options "$url" "+$wanted:refs/imsctl/fetched"
	)
}

# unpack puts the files of the commit into the folder of the release.
unpack() {
	rm -rf "$staging" && mkdir -p "$staging" || return
	broken=$({ { git --git-dir="$mirror" archive --format=tar "$commit" || echo git >&3; } | { tar -xf - -C "$staging" >&2 || echo tar >&3; }; } 3>&1)
	[ -z "$broken" ]
}

# on_host and in_service run a hook for so many seconds.
on_host() {
	limit=$1
	shift
	(cd "$folder" && IMSCTL_RELEASE=$id IMSCTL_COMMIT=$commit IMSCTL_PREVIOUS=$previous exec timeout -k 5 "$limit" "$@")
}
in_service() {
	limit=$1 service=$2 made=imsctl-migrate-$2-$(date +%s)
	shift 2
	deps=--no-deps
	[ -n "$(containers)" ] || deps=
	set -- run --rm --no-TTY --quiet-pull --name "$made" $deps --env "IMSCTL_RELEASE=$id" --env "IMSCTL_COMMIT=$commit" --env "IMSCTL_PREVIOUS=$previous" "$service" "$@"
	(cd "$(dirname "$folder/$compose")" && exec timeout -k 5 "$limit" $program --project-directory "$(dirname "$folder/$compose")" --file "$folder/$compose" \
		--file "$known.images.yaml" --project-name "$project" "$@") || { docker rm --force "$made" >/dev/null 2>&1; return 1; }
}

containers() { docker ps --all --quiet --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False; }

# looks writes a line for each container: service, identification, and when it was started.
looks() { for one in $(containers); do docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.Id}} {{.State.StartedAt}}' "$one" 2>/dev/null; done; }

# use makes a sealed release the one that runs, and returns when all is well.
use() {
	if [ "$(readlink "$link")" != "releases/$1" ]; then
		rm -f "$meta/current.$1.new" && ln -s "releases/$1" "$meta/current.$1.new" && mv -Tf "$meta/current.$1.new" "$link" && durable "$path" || return
	fi
	awk -F '"' '$2 == "name" { name = $4 } $2 == "id" { print $4, name }' "$meta/releases/$1.seal" >"$run/tags"
	while read -r wanted name; do
		[ "$(image_id "$name")" = "$wanted" ] || tag "$wanted" "$name" || return
	done <"$run/tags"
	call "$link" "$1" up --detach --remove-orphans --no-build --quiet-pull || { judge | sed -n 's/^bad //p'; return 1; }
	settle
}

# judge writes how each container does: well, bad or waiting, and why.
judge() {
	for one in $(containers); do
		docker inspect --format '{{index .Config.Labels "com.docker.compose.service"}} {{.State.Status}} {{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}} {{.State.ExitCode}} {{or .HostConfig.RestartPolicy.Name "no"}}' "$one" 2>/dev/null |
			while read -r name state health code policy; do
				case $state/$health/$policy/$code in
				running/unhealthy/*) echo "bad $name is unhealthy: $(docker inspect --format '{{range .State.Health.Log}}{{.Output}}{{end}}' "$one" | grep . | tail -n 1)" ;;
				running/starting/*) echo "waiting $name is not healthy yet" ;;
				running/*) echo "well $name" ;;
				exited/*/no/0 | exited/*/on-failure/0) echo "well $name" ;;
				exited/*/no/* | exited/*/on-failure/*) echo "bad $name ended with exit status $code" ;;
				paused/* | dead/*) echo "bad $name is $state" ;;
				*) echo "waiting $name is $state" ;;
				esac
			done
	done
}

# settle waits until all containers are well, or one is in a bad way, or for as long as all health checks may need.
settle() {
	patience=$(for one in $(containers); do docker inspect --format '{{with .Config.Healthcheck}}{{printf "%d %d %d %d" .StartPeriod .Interval .Timeout .Retries}}{{end}}' "$one"; done |
		awk 'NF == 4 { sum += $1 + ($2 ? $2 : 3e10) * ($4 ? $4 : 3) + ($3 ? $3 : 3e10) } END { printf "%d", sum / 1e9 + 1 }')
	[ "$patience" -gt "$least" ] || patience=$least
	deadline=$(($(date +%s) + patience))
	while :; do
		judge >"$run/judged"
		if grep -q '^bad ' "$run/judged"; then
			sed -n 's/^bad //p' "$run/judged"
			return 1
		fi
		grep -q '^waiting ' "$run/judged" || return 0
		if [ "$(date +%s)" -gt "$deadline" ]; then
			echo "not up after $patience s:"
			sed -n 's/^waiting //p' "$run/judged"
			return 1
		fi
		sleep 1
	done
}

# testify keeps what containers that are not well have to say.
testify() {
	judge | grep -v '^well' | while read -r how name text; do
		call "$link" "$id" logs --no-color --no-log-prefix --tail 20 "$name" 2>&1 | sed "s/^/$name | /"
	done
}

# bring makes the release run, or goes back to the one before.
bring() {
	if ! noted returning; then
		begin switching
		[ -e "$run/before" ] || looks | put "$run/before"
		if use "$id"; then
			looks | put "$run/after"
			finish promoted
		fi
		why=$(said)
		testify 2>&1 | put "$run/evidence"
		cat "$run/evidence"
		[ -n "$previous" ] && [ -e "$meta/releases/$previous.seal" ] || finish "stuck $why; there is no release to go back to"
		printf '%s\n' "$why" | put "$run/why"
	fi
	begin returning
	why=$(cat "$run/why" 2>/dev/null)
	use "$previous" || finish "stuck $why; going back to $previous failed: $(said)"
	finish "returned $why"
}

# engine waits for the container engine, which a machine that was just started may not have yet.
engine() {
	for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		docker version >/dev/null 2>&1 && return
		sleep 3
	done
	docker version
}

main() {
	cd "$path" || exit
	exec 9>>"$run/guard"
	# Whoever was killed may have left a process that is still at work.
	if command -v flock >/dev/null 2>&1; then flock 9; fi
	if tail -n 1 "$run/status" 2>/dev/null | grep -q '^[^ ]* end '; then
		case $goal$(tail -n 1 "$run/status") in
		staged*' end failed '* | running*' end staged') ;;
		*) exit 0 ;;
		esac
	fi
	echo $$ >"$run/pid"
	rm -f "$run/lost"
	heart= from=0
	begin started
	beat $$ 9>&- &
	heart=$!
	mkdir -p "$meta/releases" "$path/releases"
	if docker compose version >/dev/null 2>&1; then program="docker compose"; else program=docker-compose; fi
	try "the compose program" $program version
	try "waiting for the container engine" engine
	if noted returning; then bring; fi
	if [ -e "$folder" ] && [ -e "$known.seal" ]; then
		project=$(awk -F '"' '$2 == "project" { print $4; exit }' "$known.seal")
	else
		begin fetching
		try "fetching the commit" fetch
		begin unpacking
		try "unpacking the commit" unpack
		begin sealing
		try "linking what is shared" share_all
		try "reading the compose file" understand
		try "making the release" seal
	fi
	[ "$goal" != staged ] || finish staged
	if ! noted migrated && ! noted switching; then
		begin migrating
		try "the hook migrate" migrate
		note migrated
	fi
	bring
}

main
