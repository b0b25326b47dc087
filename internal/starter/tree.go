package starter

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// dockerVolumes is where docker keeps its volumes when it is not told otherwise.
const dockerVolumes = "/var/lib/docker/volumes"

// systemPaths are what containers mount of the machine itself: no data of a project.
var systemPaths = []string{"/proc", "/sys", "/dev", "/run", "/var/run", "/etc/localtime", "/etc/timezone", "/etc/passwd", "/etc/group", "/etc/hosts",
	"/etc/resolv.conf", "/etc/machine-id", "/etc/ssl", "/lib/modules", "/var/lib/docker"}

// tree adds what a service mounts, once.
func (f *finder) tree(service types.ServiceConfig, volume types.ServiceVolumeConfig) {
	if volume.Type != types.VolumeTypeVolume && volume.Type != types.VolumeTypeBind {
		return
	}
	if volume.Source == "" {
		f.leaveOut(fmt.Sprintf("the unnamed volume of %s at %s", service.Name, volume.Target), "it is another one each time the container is made; give it a name to keep it")
		return
	}
	if f.database[volume.Source] != "" || f.taken[volume.Source] {
		return
	}
	f.taken[volume.Source] = true
	if volume.Type == types.VolumeTypeVolume {
		f.volume(service, volume)
		return
	}
	f.bind(service, volume)
}

// volume adds a named volume.
func (f *finder) volume(service types.ServiceConfig, volume types.ServiceVolumeConfig) {
	declared := f.project.Volumes[volume.Source]
	path := filepath.Join(dockerVolumes, first(declared.Name, f.project.Name+"_"+volume.Source), "_data")
	device := declared.DriverOpts["device"]
	switch {
	case declared.Driver != "" && declared.Driver != "local":
		f.leaveOut(f.describe(volume), "its driver "+declared.Driver+" keeps it where this machine has no folder for it")
		return
	case filepath.IsAbs(device) && strings.Contains(declared.DriverOpts["o"], "bind"):
		path = filepath.Clean(device)
	case declared.DriverOpts["type"] == "tmpfs":
		f.leaveOut(f.describe(volume), "it is in memory only")
		return
	case device != "":
		f.leaveOut(f.describe(volume), "it is mounted from "+device+": back it up there")
		return
	}
	f.files(volume.Source, path, fmt.Sprintf("The volume %s of %s, where docker keeps it; reading it takes root's rights.", volume.Source, service.Name))
}

// bind adds a folder or file of the machine.
func (f *finder) bind(service types.ServiceConfig, volume types.ServiceVolumeConfig) {
	path := filepath.Clean(volume.Source)
	system := path == "/" || slices.ContainsFunc(systemPaths, func(of string) bool { return path == of || strings.HasPrefix(path, of+"/") })
	if info, err := os.Stat(path); system || err == nil && info.Mode()&os.ModeSocket != 0 {
		f.leaveOut(f.describe(volume), "it is a part of the machine, not data of the project")
		return
	}
	if _, ok := below(filepath.Join(f.folder, copiesFolder), path); ok {
		f.leaveOut(f.describe(volume), "it is where the copies go")
		return
	}
	f.files(filepath.Base(path), path, fmt.Sprintf("What %s mounts at %s.", service.Name, volume.Target))
}

// files adds a source of files.
func (f *finder) files(name, path, comment string) {
	source := Source{Type: "files", Name: f.name(name), Comments: []string{comment}, Attributes: []Attribute{{"path", quote(f.relative(path))}}}
	var exclude []string
	for _, own := range []string{copiesFolder, stateFolder} {
		// A backup of the backups would grow with every run.
		if inside, ok := below(path, filepath.Join(f.folder, own)); ok {
			exclude = append(exclude, "/"+filepath.ToSlash(inside))
		}
	}
	for folder, service := range f.database {
		if inside, ok := below(path, folder); ok && filepath.IsAbs(folder) && inside != "." {
			exclude = append(exclude, "/"+filepath.ToSlash(inside))
			source.Comments = append(source.Comments, "The files of the database of "+service+" are left out; it is a source of its own.")
		}
	}
	if len(exclude) > 0 {
		slices.Sort(exclude)
		slices.Sort(source.Comments[1:])
		source.Attributes = append(source.Attributes, Attribute{"exclude", list(escaped(exclude)...)})
	}
	f.starter.Sources = append(f.starter.Sources, source)
}

// escaped makes patterns of paths.
func escaped(paths []string) []string {
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "{", `\{`)
	patterns := make([]string, len(paths))
	for i, path := range paths {
		patterns[i] = escape.Replace(path)
	}
	return patterns
}

// relative is a path as the specification names it: below its folder without that folder.
func (f *finder) relative(path string) string {
	if inside, ok := below(f.folder, path); ok {
		return filepath.ToSlash(inside)
	}
	return path
}

// below is a path as seen from a folder that it is in.
func below(folder, path string) (string, bool) {
	inside, err := filepath.Rel(folder, path)
	return inside, err == nil && inside != ".." && !strings.HasPrefix(inside, "../")
}

// describe names what a service mounts.
func (f *finder) describe(volume types.ServiceVolumeConfig) string {
	if volume.Type == types.VolumeTypeVolume {
		return "the volume " + volume.Source
	}
	return f.relative(filepath.Clean(volume.Source))
}

// maxName is how long the name of a block may be.
const maxName = 64

// name makes a name that no other source has, in the form that names of blocks have.
func (f *finder) name(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		letter := r >= 'a' && r <= 'z'
		switch {
		case letter, b.Len() > 0 && (r >= '0' && r <= '9' || r == '-' || r == '_'):
			b.WriteRune(r)
		case b.Len() > 0:
			b.WriteByte('_')
		}
	}
	base := strings.Trim(b.String(), "_-")
	base = first(base[:min(len(base), maxName-4)], "data")
	name := base
	for i := 2; f.names[name]; i++ {
		name = fmt.Sprintf("%s_%d", base, i)
	}
	f.names[name] = true
	return name
}
