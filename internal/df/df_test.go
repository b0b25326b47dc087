package df

import "testing"

const titles = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n"

func TestParse(t *testing.T) {
	for line, want := range map[string]Usage{
		"/dev/sda1 1000 860 140 86% /":                 {860, 140, "/"},
		"//nas/my files 1000 1 999 1% /mnt/my files":   {1, 999, "/mnt/my files"},
		"overlay 0 0 0 - /":                            {0, 0, "/"},
		"btrfs - - - - /data":                          {0, 0, "/data"},
		"/dev/sdb 1000 1010 -10 101% /full":            {1010, 0, "/full"},
		"very-long-device-name 1953480700 1 2 1% /srv": {1, 2, "/srv"},
	} {
		got, err := Parse(titles + line + "\n")
		if err != nil || got != want {
			t.Errorf("%q: %v, got %+v", line, err, got)
		}
	}
	for _, text := range []string{"", titles, titles + "a b\n", titles + "/dev/sda1 x y z 86% /\n", titles + "/dev/sda1 1 2 3 4% /\n/dev/sda2 1 2 3 4% /a\n", "a\n%%%%%"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q: got %+v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(titles + "/dev/sda1 1000 860 140 86% /\n")
	f.Add("a\nb - - - - c")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := Parse(text); err == nil && (got.Used < 0 || got.Free < 0 || got.Mount == "") {
			t.Errorf("got %+v", got)
		}
	})
}

func TestPercent(t *testing.T) {
	for usage, want := range map[Usage]float64{{}: 0, {Used: 1, Free: 3}: 25, {Used: 7}: 100} {
		if got := usage.Percent(); got != want {
			t.Errorf("%+v: got %v", usage, got)
		}
	}
}
