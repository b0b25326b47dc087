package directory

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/source/files"
)

func TestParseProcesses(t *testing.T) {
	text := strings.Join([]string{
		"0", "I 100", "I 1", "U 0 1", "U 1000 200", "U 0 300",
		"L 1/cwd /", "L 200/cwd /srv/old", "L 200/fd/3 /srv/old/a b.txt", "L 200/fd/4 socket:[1]", "L 200/fd/5 /srv/older/x", "L 200/fd/6 /srv/old/gone (deleted)",
		"L 300/exe /srv/old/bin/app", "L 300/root /", "L 1/ns/mnt mnt:[1]", "L 200/ns/mnt mnt:[1]", "L 300/ns/mnt mnt:[2]", "L 400/ns/mnt ",
		"/proc/200/cmdline:python", "/proc/200/cmdline:/srv/old/app.py", "/proc/300/cmdline:app", "M /proc/300/maps", "",
	}, "\x00")
	list := parseProcesses(text, "/srv/old")
	if list.me != "0" || list.all != 3 || list.others != 1 || !list.own["100"] || !list.own["1"] || len(list.own) != 2 {
		t.Errorf("got %+v", list)
	}
	if want := []string{"works in /srv/old", "has /srv/old/a b.txt open", "has /srv/old/gone open"}; !slices.Equal(list.uses["200"], want) {
		t.Errorf("200: got %q", list.uses["200"])
	}
	if want := []string{"runs /srv/old/bin/app", "has a file of it mapped"}; !slices.Equal(list.uses["300"], want) {
		t.Errorf("300: got %q", list.uses["300"])
	}
	if list.commands["200"] != "python /srv/old/app.py" || len(list.spaces) != 2 {
		t.Errorf("got %q, %q", list.commands, list.spaces)
	}
	if got := sortedNumbers(map[string][]string{"10": nil, "9": nil, "100": nil}); !slices.Equal(got, []string{"9", "10", "100"}) {
		t.Errorf("got %q", got)
	}
}

func TestSerious(t *testing.T) {
	for complaints, want := range map[string]string{
		"": "",
		"find: '/proc/9/fd': No such file or directory\nfind: '/proc/9/cwd': No such process\n":  "",
		"cat: /proc/9/mountinfo: Invalid argument\n":                                             "",
		"find: '/proc/9/fd': No such file or directory\nfind: '/proc/1/fd': Permission denied\n": "find: '/proc/1/fd': Permission denied; set sudo = true for the host, or run imsctl as root",
		"find: unrecognized: -printf\n":                                                          "find: unrecognized: -printf",
	} {
		if got := serious(complaints); got != want {
			t.Errorf("%q: got %q", complaints, got)
		}
	}
}

func TestMounts(t *testing.T) {
	own := parseMounts("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n23 22 8:2 /data /srv rw - ext4 /dev/sdb1 rw\n24 22 8:3 / /mnt/a\\040b rw - ext4 /dev/sdc1 rw\nnothing\n")
	if len(own) != 3 || own[2].point != "/mnt/a b" {
		t.Fatalf("got %+v", own)
	}
	if device, within := onDevice(own, "/srv/old"); device != "8:2" || within != "/data/old" {
		t.Errorf("got %s %s", device, within)
	}
	for line, want := range map[string]int{
		"9 1 8:2 /data/old /app rw - ext4 /dev/sdb1 rw":     1,
		"9 1 8:2 /data/old/sub /app rw - ext4 /dev/sdb1 rw": 1,
		"9 1 8:2 /data/older /app rw - ext4 /dev/sdb1 rw":   0,
		"9 1 8:1 /data/old /app rw - ext4 /dev/sda1 rw":     0,
		"9 1 8:2 /data /srv rw - ext4 /dev/sdb1 rw":         0,
		"9 1 8:2 / /host rw - ext4 /dev/sdb1 rw":            0,
	} {
		if got := elsewhere(own, parseMounts(line+"\n"), "/srv/old"); len(got) != want {
			t.Errorf("%s: got %q", line, got)
		}
	}
}

func TestMentioned(t *testing.T) {
	for _, c := range []struct {
		path, line string
		want       bool
	}{
		{"/home/ana/old", "0 2 * * * /home/ana/old/run.sh", true},
		{"/home/ana/old", "0 2 * * * cd ~/old && ./run.sh", true},
		{"/home/ana/old", "0 2 * * * cd $HOME/old; ./run.sh", true},
		{"/home/ana/old", "ExecStart=%h/old/run.sh", true},
		{"/home/ana/old", "cd ~ana/old", true},
		{"/home/ana/old", "cd ~/older", false},
		{"/home/ana/old", "/srv/old/run.sh", false},
		{"/root/old", "cd ${HOME}/old", true},
		{"/srv/old", "cd ~/old", false},
	} {
		i := &inspection{cleaner: &cleaner{path: c.path}}
		if got := i.mentioned(c.line); got != c.want {
			t.Errorf("%q about %s: %v", c.line, c.path, got)
		}
	}
}

func TestCutMention(t *testing.T) {
	for record, want := range map[string][3]string{
		"/etc/crontab:12:0 2 * * * root /srv/old/x":  {"/etc/crontab", "12", "0 2 * * * root /srv/old/x"},
		"/etc/cron.d/a:b:3:x":                        {"/etc/cron.d/a:b", "3", "x"},
		"/etc/systemd/system/a.service:0:/srv/old/a": {"/etc/systemd/system/a.service", "0", "/srv/old/a"},
		"": {"", "", ""},
	} {
		file, number, line := cutMention(record)
		if got := [3]string{file, number, line}; got != want {
			t.Errorf("%q: got %q", record, got)
		}
	}
}

func TestUncovered(t *testing.T) {
	config := &Config{Path: "/srv/old/"}
	vm := providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}
	for name, c := range map[string]struct {
		source files.Config
		want   string
	}{
		"the folder":     {files.Config{Path: "/srv/old"}, ""},
		"what it is in":  {files.Config{Path: "/srv"}, ""},
		"another folder": {files.Config{Path: "/srv/older"}, "it reads /srv/older, not /srv/old"},
		"a part":         {files.Config{Path: "/srv/old/app"}, "it reads /srv/old/app, not /srv/old"},
		"another host":   {files.Config{Path: "/srv/old", Host: vm}, "it reads /srv/old on host.ssh.vm, and the folder is on host.local"},
		"not all of it":  {files.Config{Path: "/srv/old", Exclude: []string{".git"}}, "it leaves out .git, which would be in no backup"},
	} {
		if got := config.Uncovered(&c.source, providers.Environment{Directory: "/etc"}); got != c.want {
			t.Errorf("%s: got %q", name, got)
		}
	}
}

func TestValidate(t *testing.T) {
	for path, good := range map[string]bool{
		"/srv/old": true, "/home/ana/old": true, "/opt/app/": true,
		"/": false, "//": false, "/srv/..": false, "old": false, "": false, "/home": false, "/var/lib/": false, "/etc": false, "/srv/a\nb": false,
	} {
		config := &Config{Path: path, MinCopies: 1}
		if got := len(config.Validate()) == 0; got != good {
			t.Errorf("%q: %v", path, config.Validate())
		}
	}
}

func FuzzTree(f *testing.F) {
	f.Add([]byte("f 5 8 1764368000.5000000000 1764368000.5000000000 2049:1 1 a b\x00"))
	f.Add([]byte("d 4096 8 1764368000.0 1764368000.0 2049:2 2 \x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		found := &tree{seen: make(map[string]bool)}
		if err := found.read(strings.NewReader(string(data))); err == nil && found.files < 0 {
			t.Errorf("got %+v", found)
		}
	})
}

func TestTreeCountsOnce(t *testing.T) {
	found := &tree{seen: make(map[string]bool)}
	const listed = "d 4096 8 10.0 99.0 1:1 3 \x00" + "f 5 8 20.25 30.5 1:2 2 a\x00" + "f 5 8 20.25 30.5 1:2 2 b\x00" + "f 7 8 5.0 5.0 1:3 1 c\nd\x00" + "l 1 0 6.0 6.0 1:4 1 l\x00"
	if err := found.read(strings.NewReader(listed)); err != nil {
		t.Fatal(err)
	}
	if found.bytes != 12 || found.files != 4 || found.blocks != 24*512 || found.newestName != "a" || !found.newest.Equal(time.Unix(30, 500000000)) {
		t.Errorf("got %+v", found)
	}
	for _, bad := range []string{"f 5\x00", "f x 8 1.0 1.0 1:1 1 a\x00", "f 5 8 1.x 1.0 1:1 1 a\x00", "f 5 8 1.0 1.0 1:1 1 a"} {
		if err := (&tree{seen: make(map[string]bool)}).read(strings.NewReader(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}
