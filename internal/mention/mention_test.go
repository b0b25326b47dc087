package mention_test

import (
	"testing"

	"github.com/castrolanda/imsctl/internal/mention"
)

func TestIn(t *testing.T) {
	for _, test := range []struct {
		line, path string
		want       bool
	}{
		{"cd /srv/app", "/srv/app", true},
		{"cd /srv/app\n", "/srv/app", true},
		{"cd /srv/app/bin", "/srv/app", true},
		{`cd "/srv/app"`, "/srv/app", true},
		{"cd /srv/app-new", "/srv/app", false},
		{"cd /srv/app.old", "/srv/app", false},
		{"cd /srv/app-new /srv/app;", "/srv/app", true},
		{"cd /srv/app-new/x", "/srv/app/", false},
		{"cd /srv/app/x", "/srv/app/", true},
		{"cd /srv/appé", "/srv/app", false},
		{"", "/srv/app", false},
	} {
		if got := mention.In(test.line, test.path); got != test.want {
			t.Errorf("%q in %q: %v", test.path, test.line, got)
		}
	}
}
