// Package schedule writes what runs imsctl again and again on what exists already: units of systemd, a line of cron,
// workflows of GitHub and GitLab, jobs of Kubernetes and Nomad. It reads and writes nothing: text comes out.
package schedule

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"
)

// Specification is what has to be known of a specification to run it.
type Specification struct {
	// Name is that of what is written: of units, jobs, and of the file with the environment. It is empty for "imsctl", and
	// must be another one for each part of a specification that is run by itself.
	Name string
	// Scope are the flags that leave a part of the plan out: "-target=backup.database".
	Scope []string
	// Program is the absolute path of imsctl on this machine, Path that of the specification: a folder or one file.
	Program, Path string
	// InRepository is Path as seen from the root of its repository, with slashes.
	InRepository string
	// Files are the names of the specification's files, without a folder. Single: Path is the one file.
	Files  []string
	Single bool
	// Variables are the environment variables that it needs, in the order in which they are written.
	Variables []Variable
	// Timings say what is due when.
	Timings []Timing
	// LocalState: the state is a file beside the specification, in .imsctl, and must outlive a run.
	LocalState bool
	// Version is the release of imsctl to install, such as "1.2.0"; "latest" for the newest one.
	Version string
}

// Variable is an environment variable that the specification reads.
type Variable struct {
	Name string
	// Optional: the specification is whole without it.
	Optional bool
}

// Timing is when something declared is due.
type Timing struct {
	// Address is that of the backup or the drill, Words are its schedule in words: `every 24h`.
	Address, Words string
	// Every is its interval; 0 without one.
	Every time.Duration
	// Fires are moments at which its cron expression fires, enough of them to see every minute of the hour that occurs.
	Fires []time.Time
}

// File is a text to be written.
type File struct {
	// Name is relative to where it is put, with slashes.
	Name string
	Text string
}

// format is one that files can be written in.
type format struct {
	name string
	// files are the usual names of its files, which are those of their templates too, but for leading dots and folders.
	files []string
}

var formats = []format{
	{"systemd", []string{"imsctl.service", "imsctl.timer"}},
	{"cron", []string{"imsctl.cron"}},
	{"github", []string{".github/workflows/imsctl.yml"}},
	{"gitlab", []string{".gitlab-ci.yml"}},
	{"kubernetes", []string{"imsctl-cronjob.yaml"}},
	{"nomad", []string{"imsctl.nomad.hcl"}},
}

// usualName is that of what is written, and the beginning of the names in formats, which another name takes the place of.
const usualName = "imsctl"

// Formats are the names of the formats, in the order in which they are documented.
func Formats() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// Ephemeral reports whether what runs in a format begins with an empty disk, so that a state in a file is lost.
func Ephemeral(name string) bool { return name == "github" || name == "gitlab" }

//go:embed templates
var texts embed.FS

// templates are the files of all formats. Their delimiters are none that workflows and jobs use themselves.
var templates = template.Must(template.New("").Delims("[[", "]]").Funcs(template.FuncMap{
	"unit": unitWord, "program": unitProgram, "specifier": specifier, "shell": shellWord, "crontab": crontab, "yaml": yamlText, "workflow": workflowText,
	"hcl": hclText, "script": scriptWord, "argument": argument,
}).ParseFS(texts, "templates/*"))

// Files writes a specification's files in a format, one of Formats.
func Files(name string, specification Specification) ([]File, error) {
	at := slices.IndexFunc(formats, func(f format) bool { return f.name == name })
	if at < 0 {
		return nil, fmt.Errorf("there is no format %q", name)
	}
	specification.Name = cmp.Or(specification.Name, usualName)
	if err := check(specification); err != nil {
		return nil, err
	}
	values := view{Specification: specification, Pace: paceOf(specification.Timings)}
	var files []File
	for _, file := range formats[at].files {
		var b strings.Builder
		if err := templates.ExecuteTemplate(&b, strings.TrimPrefix(path.Base(file), ".")+".tmpl", values); err != nil {
			return nil, fmt.Errorf("writing %s: %w", file, err)
		}
		files = append(files, File{Name: strings.Replace(file, usualName, specification.Name, 1), Text: b.String()})
	}
	return files, nil
}

// nameForm is what all formats take for a name, and nameLength the longest one: Kubernetes adds to it.
var nameForm = regexp.MustCompile(`^[a-z]([a-z0-9-]*[a-z0-9])?$`)

const nameLength = 40

// check refuses what cannot be written.
func check(specification Specification) error {
	if name := specification.Name; !nameForm.MatchString(name) || len(name) > nameLength {
		return fmt.Errorf("the name %q: it has small letters, digits and -, begins with a letter, ends with none of the -, and has at most %d characters", name, nameLength)
	}
	for _, flag := range specification.Scope {
		if !utf8.ValidString(flag) || strings.ContainsFunc(flag, unicode.IsControl) {
			return fmt.Errorf("%q has a line break or a character that nobody sees, which these files cannot hold", flag)
		}
	}
	for _, text := range append([]string{specification.Path, specification.Program, specification.InRepository}, specification.Files...) {
		if err := checkPath(text); err != nil {
			return err
		}
	}
	return nil
}

// checkPath refuses what no format can hold in a line.
func checkPath(text string) error {
	if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("the path %q has a line break or a character that nobody sees, which these files cannot hold: give it another name", text)
	}
	if text == "" {
		return errors.New("a path is empty")
	}
	return nil
}

// view is what templates see.
type view struct {
	Specification
	Pace pace
}

// lockTimeout is how long a run waits for somebody else's, such as that of a person or of another part.
const lockTimeout = "10m"

// Apply are the arguments of a run, but for the path.
func (v view) Apply() []string {
	return append([]string{"apply", "-auto-approve", "-input=false", "-lock-timeout=" + lockTimeout}, v.Scope...)
}

// Plan are the arguments of a plan, but for the path.
func (v view) Plan() []string { return append([]string{"plan", "-input=false"}, v.Scope...) }

// Joint is the file by whose lock two runs of the same know of each other.
func (v view) Joint() string {
	if v.Name == usualName {
		return v.Path
	}
	return "/run/lock/" + v.Name
}

// Required are the variables without which nothing runs.
func (v view) Required() []string { return v.names(false) }

// Optional are the variables that may be missing.
func (v view) Optional() []string { return v.names(true) }

func (v view) names(optional bool) []string {
	var names []string
	for _, variable := range v.Variables {
		if variable.Optional == optional {
			names = append(names, variable.Name)
		}
	}
	return names
}

// Folder is the folder of the specification on this machine.
func (v view) Folder() string {
	if v.Single {
		return filepath.Dir(v.Path)
	}
	return v.Path
}

// Mounted is a file of the specification in a ConfigMap: under which key, and which file that is.
type Mounted struct{ Key, File string }

// Mounted are the files of the specification as a ConfigMap can hold them, whose keys have few characters.
func (v view) Mounted() []Mounted {
	var list []Mounted
	for _, name := range v.Files {
		key := strings.Map(func(r rune) rune {
			if strings.ContainsRune("-._", r) || r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
				return r
			}
			return '-'
		}, name)
		for slices.ContainsFunc(list, func(m Mounted) bool { return m.Key == key }) {
			key = "x" + key
		}
		list = append(list, Mounted{Key: key, File: filepath.Join(v.Folder(), name)})
	}
	return list
}

// MountedPath is the specification in a container.
func (v view) MountedPath() string {
	if v.Single {
		return "/work/" + v.Mounted()[0].Key
	}
	return "/work"
}
