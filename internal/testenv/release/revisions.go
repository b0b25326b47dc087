package release

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"time"
)

// revisions has a folder for each revision, with the files in which it differs from the one that it is made from.
//
//go:embed all:revisions
var revisions embed.FS

// The revisions of the application. Each is a tag of the working repository.
const (
	// Good1 is the first one. The next three follow each other.
	Good1 = "good1"
	// Good2 changes both services, adds a migration and breaks an interface.
	Good2 = "good2"
	// Good3 changes one file of the service web.
	Good3 = "good3"
	// Good4 changes one file of the image of the service worker.
	Good4 = "good4"
	// Sick follows Good2, as all others below. Its web never gets healthy.
	Sick = "sick"
	// Flaps is healthy and not in turns: four answers of /health each.
	Flaps = "flaps"
	// ML stays healthy, and answers /ml/validate well three times and then with the status 500.
	ML = "ml"
	// Migration is healthy, and its migration fails half way.
	Migration = "migration"
	// Broken has a compose file that is no valid one.
	Broken = "broken"
	// Other is a history of its own, which has nothing in common with the others.
	Other = "other"
)

// commit is how a revision came about. One without a parent begins a history.
type commit struct {
	name, parent, message string
	// from is the revision whose files it changes, where that is not the parent.
	from string
}

// history has every revision after the one that it is made from.
var history = []commit{
	{name: Good1, message: "feat: open a shop"},
	{name: Good2, parent: Good1, message: "feat(web)!: take orders\n\nBREAKING CHANGE: the model's accuracy is told with orders in mind."},
	{name: Good3, parent: Good2, message: "fix(web): say which page this is"},
	{name: Good4, parent: Good3, message: "perf(worker): work half as often"},
	{name: Sick, parent: Good2, message: "feat(web): need a database"},
	{name: Flaps, parent: Good2, message: "feat(web): rest now and then"},
	{name: ML, parent: Good2, message: "feat(web): load the model when it is needed"},
	{name: Migration, parent: Good2, message: "feat: keep customers"},
	{name: Broken, parent: Good2, message: "chore: stop restarting"},
	{name: Other, from: Good1, message: "feat: open another shop"},
}

// firstCommit is when the history begins; every commit comes an hour after the one before.
var firstCommit = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

// makeRepository makes a working repository of the application in a folder, at the revision Good1. What it is made of is always the
// same, and so are the hashes, for one name, port and number of additional files. It returns the commits of the revisions.
func makeRepository(folder, name string, port, additional int) (map[string]string, error) {
	stream, err := fastImport(name, port, additional)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	if _, err := git(folder, nil, "init", "--quiet", "--initial-branch=main"); err != nil {
		return nil, err
	}
	if _, err := git(folder, stream, "fast-import", "--quiet"); err != nil {
		return nil, err
	}
	if _, err := git(folder, nil, "reset", "--quiet", "--hard", Good1); err != nil {
		return nil, err
	}
	commits := make(map[string]string)
	list, err := git(folder, nil, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/tags")
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(list) {
		tag, hash, _ := strings.Cut(strings.TrimSpace(line), " ")
		commits[tag] = hash
	}
	return commits, nil
}

// fastImport is the history as git fast-import reads it.
func fastImport(name string, port, additional int) ([]byte, error) {
	var stream bytes.Buffer
	data := func(text string) { fmt.Fprintf(&stream, "data %d\n%s\n", len(text), text) }
	trees := make(map[string]map[string]string)
	for i, c := range history {
		changed, err := filesOf(c.name)
		if err != nil {
			return nil, err
		}
		tree := maps.Clone(trees[c.parent+c.from])
		if tree == nil {
			tree = make(map[string]string)
			for n := range additional {
				tree[fmt.Sprintf("media/%03d/%05d.txt", n/100, n)] = strings.Repeat(fmt.Sprintf("asset %d\n", n), 1+n%40)
			}
		}
		maps.Copy(tree, changed)
		for file, content := range tree {
			content = strings.Replace(content, "name: app\n", "name: "+name+"\n", 1)
			tree[file] = strings.Replace(content, "WEB_PORT=8000\n", fmt.Sprintf("WEB_PORT=%d\n", port), 1)
		}
		trees[c.name] = tree
		who := fmt.Sprintf("Ana Souza <ana@example.org> %d +0000", firstCommit.Add(time.Duration(i)*time.Hour).Unix())
		fmt.Fprintf(&stream, "commit refs/tags/%s\nauthor %s\ncommitter %s\n", c.name, who, who)
		data(c.message)
		if c.parent != "" {
			fmt.Fprintf(&stream, "from refs/tags/%s\n", c.parent)
		}
		fmt.Fprintln(&stream, "deleteall")
		for _, file := range slices.Sorted(maps.Keys(tree)) {
			fmt.Fprintf(&stream, "M %s inline %s\n", modeOf(file), file)
			data(tree[file])
		}
	}
	return stream.Bytes(), nil
}

// filesOf are the files that a revision adds or changes.
func filesOf(revision string) (map[string]string, error) {
	files := make(map[string]string)
	root := path.Join("revisions", revision)
	err := fs.WalkDir(revisions, root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := revisions.ReadFile(name)
		files[strings.TrimPrefix(name, root+"/")] = string(content)
		return err
	})
	return files, err
}

func modeOf(file string) string {
	if file == "migrations/run" {
		return "100755"
	}
	return "100644"
}

// gitSettings keep git from what the user of this machine has set, and from asking anything.
var gitSettings = []string{
	"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
	"GIT_AUTHOR_NAME=Ana Souza", "GIT_AUTHOR_EMAIL=ana@example.org", "GIT_COMMITTER_NAME=Ana Souza", "GIT_COMMITTER_EMAIL=ana@example.org",
}

// git runs git in a folder and returns what it printed, without space around it.
func git(folder string, input []byte, arguments ...string) (string, error) {
	command := exec.Command("git", arguments...)
	command.Dir, command.Stdin = folder, bytes.NewReader(input)
	command.Env = append(os.Environ(), gitSettings...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("git %s: %w: %s", strings.Join(arguments, " "), err, stderr.String())
	}
	return strings.TrimSpace(stdout.String()), nil
}
