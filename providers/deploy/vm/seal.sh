# How a release is made of unpacked files, in the same form as every other strategy makes it. Goes in front of run.sh.

# share puts the link $2 to what all releases have in common under $1 into the release. $3 is the link for a plain project.
share() {
	kept=$path/shared/$1
	if [ ! -e "$kept" ]; then
		mkdir -p "$(dirname "$kept")" || return
		if [ -f "$path/$1" ] && [ ! -L "$path/$1" ]; then
			ln "$path/$1" "$kept" || return
		elif [ -e "$path/$1" ]; then
			mv "$path/$1" "$kept" || return
		elif [ -e "$staging/$1" ]; then
			rm -rf "$kept.new" && cp -a "$staging/$1" "$kept.new" && mv "$kept.new" "$kept" || return
		else
			case $(basename "$1") in
			*.*) echo "the shared path $1 is not there: write the file $kept first" && return 1 ;;
			esac
			mkdir "$kept" || return
		fi
	fi
	if [ -e "$path/$compose" ] && [ ! -e "$path/$1" ] && [ ! -L "$path/$1" ]; then ln -s "$3" "$path/$1" || return; fi
	mkdir -p "$(dirname "$staging/$1")" && rm -rf "${staging:?}/$1" && ln -s "$2" "$staging/$1"
}

# call calls compose with the files of the folder $1; what a release $2, if any, was sealed with is put on top.
call() {
	at=$1 of=$2
	shift 2
	if [ -n "$of" ] && grep -q imsctl.content "$meta/releases/$of.labels.yaml" 2>/dev/null; then
		set -- --file "$meta/releases/$of.labels.yaml" --project-name "$project" "$@"
	elif [ -n "$project" ]; then
		set -- --project-name "$project" "$@"
	fi
	(cd "$(dirname "$at/$compose")" && exec $program --project-directory "$(dirname "$at/$compose")" --file "$at/$compose" "$@")
}

# understand has compose read the files of the release, and finds out the name of the project.
understand() {
	[ -e "$staging/$compose" ] || { echo "there is no $compose in the revision" && return 1; }
	call "$staging" "" config >"$run/config" || return
	[ -z "$project" ] || return 0
	project=$(sed -n 's/^name: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$run/config")
	[ -n "$project" ] && [ "$project" != "$(normal "$(basename "$(dirname "$staging/$compose")")")" ] || project=$usual
	call "$staging" "" config >"$run/config"
}

# normal makes of a folder the name of a project, as compose does.
normal() { printf %s "$1" | tr A-Z a-z | tr -cd a-z0-9_- | sed 's/^[-_]*//'; }

# services writes a line for each service: whether it is built, its image, and its name; and for each path of the release that it mounts
# a line "mount", its name and the path.
services() {
	awk -v root="$staging" '
		function plain(text) { sub(/^ *[^:]*: */, "", text); if (text ~ /^".*"$/ || text ~ /^\047.*\047$/) text = substr(text, 2, length(text) - 2); return text }
		function mount(service, text) { if (text == root) print "mount", service, "."; else if (index(text, root "/") == 1) print "mount", service, substr(text, length(root) + 2) }
		/^[^ ]/ { top = $1; next }
		top == "services:" && /^  [^ ]/ { name = $1; sub(/:$/, "", name); gsub(/["\047]/, "", name); list[++count] = name; key = ""; next }
		top == "services:" && /^    [^ -]/ { key = $1 }
		top == "services:" && key == "build:" { built[name] = 1 }
		top == "services:" && key == "image:" && /^    image:/ { image[name] = plain($0) }
		top == "services:" && (key == "configs:" || key == "secrets:") { files[name] = 1 }
		top == "services:" && key == "volumes:" && /^ +(- )?source: / { mount(name, plain($0)) }
		(top == "configs:" || top == "secrets:") && /^    file: / { file[++more] = plain($0) }
		END {
			for (i = 1; i <= count; i++) {
				name = list[i]
				print (built[name] ? "built" : "pulled"), (image[name] != "" ? image[name] : "-"), name
				if (files[name]) for (j = 1; j <= more; j++) mount(name, file[j])
			}
		}' "$run/config"
}

# describe writes the hashes of the files of the release, and where its links lead.
describe() {
	(
		cd "$staging" || exit
		find . -path ./.git -prune -o -type f -exec sha256sum {} + >"$run/sums" || exit
		sed -e 's/^\\//' -e 's/^\([0-9a-f]\{64\}\) [ *]\.\//\1 /' "$run/sums" >"$run/unsorted" || exit
		find . -path ./.git -prune -o -type l -print | while IFS= read -r name; do
			hash=$(printf %s "$(readlink "$name")" | sha256sum) || exit
			printf 'link:%s %s\n' "${hash%% *}" "${name#./}"
		done >>"$run/unsorted" && sort -k 2 "$run/unsorted" >"$run/files"
	)
}

# contents writes what each service sees of the files of the release through its mounts, as a hash.
contents() {
	grep -v '^mount ' "$run/services" | while read -r how image name; do
		sed -n "s/^mount $name //p" "$run/services" >"$run/mounts"
		[ -s "$run/mounts" ] || continue
		hash=$(awk 'NR == FNR { root[++count] = $0; next }
			{
				name = substr($0, index($0, " ") + 1)
				for (i = 1; i <= count; i++)
					if (root[i] == "." || name == root[i] || index(name, root[i] "/") == 1 || (/^link:/ && index(root[i], name "/") == 1)) { printf "%s \"%s\"\n", $1, name; break }
			}' "$run/mounts" "$known.files" | sha256sum)
		echo "$name ${hash%% *}"
	done
}

# mounted refuses what containers would keep in the folder of the release, where the next one would not have it.
mounted() {
	sed -n 's/^mount //p' "$run/services" | while read -r name inside; do
		[ -e "$staging/$inside" ] || [ -L "$staging/$inside" ] ||
			{ echo "$compose: the service $name mounts ./$inside, which is not in the release: what must survive deploys belongs into shared" && exit 1; }
	done
}

image_id() { docker image inspect --format '{{.Id}}' "$1" 2>/dev/null | grep . ; }

# images builds and pulls, keeps what came of it under names of the release, and writes it down. The names of the compose file belong to what
# runs, and mean afterwards what they meant before.
images() {
	builds= pulls=
	grep -v '^mount ' "$run/services" >"$run/wanted"
	while read -r how image name; do
		[ "$image" != - ] || image=$project-$name
		before=$(image_id "$image") || before=-
		case $how$before in
		built*) builds="$builds $name" ;;
		pulled-) pulls="$pulls $name" ;;
		esac
		echo "$how $image $name $before"
	done <"$run/wanted" >"$run/before.images"
	[ -z "$pulls" ] || call "$staging" "" pull --quiet $pulls || return
	[ -z "$builds" ] || call "$staging" "" build $builds || return
	while read -r how image name before; do
		after=$(image_id "$image") || { echo "the image $image of the service $name is not there, although it was just made or pulled" && return 1; }
		kept=imsctl-$project:$id.$name
		docker tag "$after" "$kept" || return
		[ "$before" = - ] || [ "$before" = "$after" ] || tag "$before" "$image" || return
		echo "$how $image $name $after $kept"
	done <"$run/before.images" >"$run/images"
}

tag() {
	case $2 in
	*@*) ;;
	*) docker tag "$1" "$2" ;;
	esac
}

# seal makes of the unpacked files a release, in the same form as every other strategy does.
seal() {
	describe && put "$known.files" <"$run/files" || return
	services >"$run/services" && mounted && images || return
	contents >"$run/contents" || return
	awk '{ printf "%s\n    \"%s\": {\"labels\": {\"imsctl.content\": \"%s\"}}", (NR > 1 ? "," : "{\"services\": {"), $1, $2 } END { print (NR ? "" : "{\"services\": {") "\n  }}" }' "$run/contents" | put "$known.labels.yaml" || return
	awk '{ printf "%s\n    \"%s\": {\"image\": \"%s\"}", (NR > 1 ? "," : "{\"services\": {"), $3, $5 } END { print "\n  }}" }' "$run/images" | put "$known.images.yaml" || return
	{
		printf '{\n  "project": "%s",\n  "contents": {' "$project"
		awk '{ printf "%s\n    \"%s\": \"%s\"", (NR > 1 ? "," : ""), $1, $2 }' "$run/contents"
		printf '\n  },\n  "images": {'
		awk '{ printf "%s\n    \"%s\": {\n      \"name\": \"%s\",\n      \"id\": \"%s\",\n      \"kept\": \"%s\"%s\n    }", (NR > 1 ? "," : ""), $3, $2, $4, $5, ($1 == "built" ? ",\n      \"built\": true" : "") }' "$run/images"
		printf '\n  }\n}\n'
	} | put "$known.seal" || return
	sync -f "$staging" 2>/dev/null || sync
	mv "$staging" "$folder" && durable "$path/releases"
}

