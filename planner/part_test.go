package planner

import (
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// fenced is a cleanup behind a backup.
type fenced struct{ providers.CleanupConfig }

func (fenced) Guard() providers.CleanupGuard {
	return providers.CleanupGuard{Backup: providers.Reference{Address: "backup.tree"}}
}

func TestPart(t *testing.T) {
	specification := &spec.Spec{
		Destinations: []*spec.Destination{{Address: "destination.local.a"}},
		Backups: []*spec.Backup{
			{Address: "backup.ims", DependsOn: []string{"backup.keycloak"}}, {Address: "backup.keycloak", DependsOn: []string{"backup.roles"}}, {Address: "backup.roles"},
			{Address: "backup.tree"}, {Address: `backup.each["a"]`, DependsOn: []string{"backup.roles"}}, {Address: `backup.each["b"]`}, {Address: "backup.ims2"},
		},
		Drills:   []*spec.Drill{{Address: "drill.postgres.ims", Backup: "backup.ims"}},
		Deploys:  []*spec.Deploy{{Address: "deploy.ims", BackupsBefore: []string{"backup.tree"}, Restore: []string{"backup.roles"}}},
		Cleanups: []*spec.Cleanup{{Address: "cleanup.directory.old", Config: fenced{}}},
	}
	for _, c := range []struct {
		targets, exclude string
		want             string
	}{
		{"", "", ""},
		{"", "backup.ims", ""},
		{"backup.roles", "", "backup.roles"},
		{"backup.ims", "", "backup.ims backup.keycloak backup.roles"},
		{"backup.ims@destination.local.a", "", "backup.ims backup.keycloak backup.roles"},
		{"destination.local.a", "", ""},
		{"backup.roles destination.local.a", "", ""},
		{"drill.postgres.ims", "", "backup.ims backup.keycloak backup.roles drill.postgres.ims"},
		{"deploy.ims", "", "backup.roles backup.tree deploy.ims"},
		{"cleanup.directory.old/trash/x", "", "backup.tree cleanup.directory.old"},
		{"backup.each", "", "backup.each backup.roles"},
		{`backup.each["b"]`, "", `backup.each["b"]`},
		{`backup.each["a"] check.http.site`, "", `backup.each["a"] backup.roles check.http.site`},
	} {
		scope := Scope{Targets: strings.Fields(c.targets), Exclude: strings.Fields(c.exclude)}
		if got := strings.Join(scope.Part(specification), " "); got != c.want {
			t.Errorf("%s: got %q, want %q", c.targets, got, c.want)
		}
	}
}
