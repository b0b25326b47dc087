package docker

import (
	"testing"

	"github.com/castrolanda/imsctl/internal/df"
)

func TestRoomMade(t *testing.T) {
	before := df.Usage{Used: 800, Free: 200, Mount: "/"}
	for _, c := range []struct {
		root  string
		after df.Usage
		want  string
	}{
		{"/var/lib/docker", df.Usage{Used: 700, Free: 300, Mount: "/"}, "/, where Docker keeps /var/lib/docker, has 100 KiB more free: it is 70 % full, and was 80 %"},
		{"/var/lib/docker", df.Usage{Used: 900, Free: 100, Mount: "/"}, "/, where Docker keeps /var/lib/docker, has 100 KiB less free, since others write to it too: it is 90 % full, and was 80 %"},
		{"/data", df.Usage{Used: 700, Free: 300, Mount: "/data"}, "the file system of Docker's data (/data) has 100 KiB more free: it is 70 % full, and was 80 %"},
	} {
		if got := roomMade(c.root, before, c.after); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}
