// Package schedule writes what runs imsctl again and again on what exists already: units of systemd, a line of cron,
// workflows of GitHub and GitLab, jobs of Kubernetes and Nomad. It reads and writes nothing: text comes out.
package schedule

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"text/template"
	"time"
	"unicode"
	"unicode/utf8"
)

// Specification is what has to be known of a specification to run it.
type Specification struct {
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
	// files are the names of its files, which are those of their templates too, but for leading dots and folders.
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
	"hcl": hclText,
}).ParseFS(texts, "templates/*"))

// Files writes a specification's files in a format, one of Formats.
func Files(name string, specification Specification) ([]File, error) {
	at := slices.IndexFunc(formats, func(f format) bool { return f.name == name })
	if at < 0 {
		return nil, fmt.Errorf("there is no format %q", name)
	}
	for _, text := range append([]string{specification.Path, specification.Program, specification.InRepository}, specification.Files...) {
		if err := checkPath(text); err != nil {
			return nil, err
		}
	}
	values := view{Specification: specification, Pace: paceOf(specification.Timings)}
	var files []File
	for _, file := range formats[at].files {
		var b strings.Builder
		if err := templates.ExecuteTemplate(&b, strings.TrimPrefix(path.Base(file), ".")+".tmpl", values); err != nil {
			return nil, fmt.Errorf("writing %s: %w", file, err)
		}
		files = append(files, File{Name: file, Text: b.String()})
	}
	return files, nil
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
