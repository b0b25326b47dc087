package files_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/source/files"
)

func TestExclude(t *testing.T) {
	base := t.TempDir()
	all := []string{".git/config", "a.pyc", "cache", "src/.git/config", "src/a.pyc", "src/cache/x/y", "src/main.go", "var/cache/x", "var/log/a.log", "var/log/b.txt"}
	for _, name := range all {
		write(t, filepath.Join(base, "tree", name), name)
	}
	for _, test := range []struct {
		patterns []string
		gone     []string
	}{
		{[]string{".git"}, []string{".git/config", "src/.git/config"}},
		{[]string{"*.pyc"}, []string{"a.pyc", "src/a.pyc"}},
		{[]string{"/*.pyc"}, []string{"a.pyc"}},
		{[]string{"cache"}, []string{"cache", "src/cache/x/y", "var/cache/x"}},
		{[]string{"cache/"}, []string{"src/cache/x/y", "var/cache/x"}},
		{[]string{"/cache"}, []string{"cache"}},
		{[]string{"var/cache"}, []string{"var/cache/x"}},
		{[]string{"*/cache/"}, []string{"src/cache/x/y", "var/cache/x"}},
		{[]string{"src/**/y"}, []string{"src/cache/x/y"}},
		{[]string{"**/main.go"}, []string{"src/main.go"}},
		{[]string{"var/log/?.{log,txt}"}, []string{"var/log/a.log", "var/log/b.txt"}},
		{[]string{"var/log/[!a].*"}, []string{"var/log/b.txt"}},
		{[]string{"log/a.log", "main.go/", "*.LOG"}, nil},
		{[]string{"a.pyc", "var"}, []string{"a.pyc", "src/a.pyc", "var/cache/x", "var/log/a.log", "var/log/b.txt"}},
	} {
		t.Run(strings.Join(test.patterns, " "), func(t *testing.T) {
			archive := read(t, filepath.Join(base, "tree"), func(c *files.Config) { c.Exclude = test.patterns })
			left := make(map[string]bool)
			for _, name := range names(t, archive) {
				left[strings.TrimPrefix(name, "./")] = true
			}
			var gone []string
			for _, name := range all {
				if !left[name] {
					gone = append(gone, name)
				}
			}
			if diff := cmp.Diff(test.gone, gone); diff != "" {
				t.Errorf("left out (-want +got):\n%s", diff)
			}
		})
	}
}

// TestExcludeContent leaves out what is in a folder, but not the folder.
func TestExcludeContent(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "tree", "tmp", "a"), "a")
	write(t, filepath.Join(base, "tree", "tmp", "b", "c"), "c")
	archive := read(t, filepath.Join(base, "tree"), func(c *files.Config) { c.Exclude = []string{"tmp/**"} })
	if diff := cmp.Diff([]string{"./", "./tmp/"}, names(t, archive)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	archive = read(t, filepath.Join(base, "tree"), func(c *files.Config) { c.Exclude = []string{"**"} })
	if diff := cmp.Diff([]string{"./"}, names(t, archive)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// mounted pretends that a folder is on another file system.
type mounted struct {
	providers.FileSystem
	name string
}

func (m mounted) ReadDir(path string) ([]providers.FileInfo, error) {
	list, err := m.FileSystem.ReadDir(path)
	for i := range list {
		if list[i].Name == m.name {
			list[i].Device++
		}
	}
	return list, err
}

func TestOneFileSystem(t *testing.T) {
	base := t.TempDir()
	write(t, filepath.Join(base, "here", "a"), "a")
	write(t, filepath.Join(base, "there", "b"), "b")
	system := mounted{local.New().Files(), "there"}
	for one, want := range map[bool][]string{
		true:  {"./", "./here/", "./here/a", "./there/"},
		false: {"./", "./here/", "./here/a", "./there/", "./there/b"},
	} {
		var archive strings.Builder
		_, err := newSource(t, system, base, func(c *files.Config) { c.OneFileSystem = one }).Read(t.Context(), "run", &archive)
		must(t, err)
		if diff := cmp.Diff(want, names(t, []byte(archive.String()))); diff != "" {
			t.Errorf("one_file_system = %v (-want +got):\n%s", one, diff)
		}
	}
}

func TestValidate(t *testing.T) {
	for name, test := range map[string]struct {
		config    files.Config
		attribute string
	}{
		"valid":        {files.Config{Path: "/", Exclude: []string{"*.tmp", "/a/**/b", "[a-c]", `\!x`, "x/"}}, ""},
		"no path":      {files.Config{}, "path"},
		"tilde":        {files.Config{Path: "~/data"}, "path"},
		"empty":        {files.Config{Path: "x", Exclude: []string{""}}, "exclude"},
		"slash":        {files.Config{Path: "x", Exclude: []string{"/"}}, "exclude"},
		"open bracket": {files.Config{Path: "x", Exclude: []string{"[a"}}, "exclude"},
		"open brace":   {files.Config{Path: "x", Exclude: []string{"a/{b"}}, "exclude"},
		"negation":     {files.Config{Path: "x", Exclude: []string{"!keep"}}, "exclude"},
		"dot":          {files.Config{Path: "x", Exclude: []string{"./a"}}, "exclude"},
		"dot dot":      {files.Config{Path: "x", Exclude: []string{"../a"}}, "exclude"},
		"two slashes":  {files.Config{Path: "x", Exclude: []string{"a//b"}}, "exclude"},
	} {
		t.Run(name, func(t *testing.T) {
			problems := test.config.Validate()
			switch {
			case test.attribute == "" && len(problems) > 0:
				t.Errorf("got %+v", problems)
			case test.attribute != "" && (len(problems) != 1 || problems[0].Attribute != test.attribute || problems[0].Detail == ""):
				t.Errorf("got %+v, want one about %s", problems, test.attribute)
			}
		})
	}
}

// FuzzExclude holds that a pattern that is accepted can be used, and that neither reading nor using one panics.
func FuzzExclude(f *testing.F) {
	for _, pattern := range []string{"a", "*.pyc", "/a/**", "[!a-c]*/", `\!x`, "{a,b/c}", "**", "[]a]", "\xff", "{", "a/../b"} {
		f.Add(pattern)
	}
	base := f.TempDir()
	write(f, filepath.Join(base, "a", "b", "c.pyc"), "")
	f.Fuzz(func(t *testing.T, pattern string) {
		config := &files.Config{Path: base, Exclude: []string{pattern}}
		if len(config.Validate()) > 0 {
			return
		}
		if got := names(t, read(t, base, func(c *files.Config) { c.Exclude = config.Exclude })); len(got) == 0 || got[0] != "./" {
			t.Errorf("%q left %q", pattern, got)
		}
	})
}

// TestLeftOut asks of single paths what the walk does with them.
func TestLeftOut(t *testing.T) {
	for name, test := range map[string]struct {
		config files.Config
		path   string
		folder bool
		want   string
	}{
		"read":             {files.Config{Path: "/srv/app", Exclude: []string{"*.tmp", "/cache"}}, "/srv/app/logs/a.log", false, ""},
		"itself":           {files.Config{Path: "/srv/app"}, "/srv/app", true, ""},
		"elsewhere":        {files.Config{Path: "/srv/app"}, "/srv/application/a.log", false, "/srv/application/a.log is not in /srv/app"},
		"above":            {files.Config{Path: "/srv/app"}, "/srv", true, "/srv is not in /srv/app"},
		"by name":          {files.Config{Path: "/srv/app", Exclude: []string{"*.tmp"}}, "/srv/app/logs/a.tmp", false, `is excluded by "*.tmp"`},
		"by a folder":      {files.Config{Path: "/srv/app", Exclude: []string{"cache/"}}, "/srv/app/x/cache/deep/a.log", false, `is excluded by "cache/"`},
		"no folder":        {files.Config{Path: "/srv/app", Exclude: []string{"cache/"}}, "/srv/app/x/cache", false, ""},
		"by path":          {files.Config{Path: "/srv/app", Exclude: []string{"var/*/cache"}}, "/srv/app/var/a/cache/b", false, `is excluded by "var/*/cache"`},
		"one file system":  {files.Config{Path: "/srv/app", OneFileSystem: true}, "/srv/app/a.log", false, "it reads one file system only"},
		"a relative path":  {files.Config{Path: "app"}, "/etc/app/a.log", false, ""},
		"a broken pattern": {files.Config{Path: "/srv/app", Exclude: []string{"!x"}}, "/srv/app/a.log", false, "cannot bring back"},
	} {
		got := test.config.LeftOut(providers.Environment{Directory: "/etc"}, test.path, test.folder)
		if (got == "") != (test.want == "") || !strings.Contains(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
}
