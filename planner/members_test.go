package planner

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
)

// member is a source of a group, which is nothing but its name.
type member struct {
	providers.Source
	name string
}

// several is a group with those members.
type several struct {
	providers.Source
	names []string
	err   error
}

func (s *several) Members(context.Context) ([]string, error) { return s.names, s.err }
func (s *several) Member(name string) providers.Source       { return member{name: name} }

// TestExpand divides a backup of a group by what was found, what is recorded and what a plan is about.
func TestExpand(t *testing.T) {
	for _, test := range []struct {
		name  string
		group several
		// recorded are members with artifacts, known those of a plan.
		recorded, known []string
		look            bool
		// want are the backups, once those that are never due again.
		want, once []string
	}{
		{"looked at", several{names: []string{"a", "b c"}}, nil, nil, true, []string{`backup.all["a"]`, `backup.all["b c"]`}, nil},
		{"a new one", several{names: []string{"a", "b"}}, []string{"a"}, nil, true, []string{`backup.all["a"]`, `backup.all["b"]`}, nil},
		{"one that is gone", several{names: []string{"a"}}, []string{"a", "old"}, nil, true, []string{`backup.all["a"]`, `backup.all["old"]`}, []string{`backup.all["old"]`}},
		{"not looked at", several{names: []string{"never"}}, []string{"a"}, nil, false, []string{`backup.all["a"]`}, nil},
		{"not looked at, of a plan", several{}, []string{"a"}, []string{`backup.all["b"]`, "backup.database"}, false, []string{`backup.all["a"]`, `backup.all["b"]`}, nil},
		{"nothing known", several{}, nil, nil, false, []string{"backup.all"}, nil},
		{"nothing there", several{}, nil, nil, true, []string{"backup.all"}, nil},
		{"not to be listed, and tolerated", several{err: errors.New("refused")}, []string{"a"}, nil, true, []string{`backup.all["a"]`}, nil},
		{"not to be listed", several{err: errors.New("refused")}, []string{"a"}, nil, true, []string{"backup.all", `backup.all["a"]`}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newScene(t, placeA)
			s.declare("all", placeA).Source = "source.postgres.all"
			s.spec.Drills = []*spec.Drill{{Address: "drill.all", Name: "all", Backup: "backup.all"}, {Address: "drill.database", Name: "database", Backup: database}}
			s.declare("later", placeA).DependsOn = []string{"backup.all", database}
			s.spec.Sources = []*spec.Source{{Address: "source.postgres.all", Type: "postgres"}, {Address: "source.command.database", Type: "command"}}
			for _, name := range test.recorded {
				artifact := s.makeOf("all."+name, hour)
				artifact.Backup = spec.MemberAddress("backup.all", name)
				s.document.Artifacts = append(s.document.Artifacts, artifact)
			}
			world := &World{Sources: map[string]providers.Source{"source.postgres.all": &test.group, "source.command.database": member{}}, Drillers: map[string]providers.Driller{}}
			expanded, members := Expand(t.Context(), s.spec, world, s.document, clock.System{}, ExpandOptions{Look: test.look, Tolerant: strings.HasSuffix(test.name, "tolerated"), Known: test.known})
			var got, once []string
			for _, backup := range expanded.Backups {
				if !strings.HasPrefix(backup.Address, "backup.all") {
					continue
				}
				got = append(got, backup.Address)
				if backup.Schedule.Once {
					once = append(once, backup.Address)
				}
				if backup.Name != spec.BackupName(backup.Address) || len(backup.To) != 1 || members.Sources[backup.Source] == nil {
					t.Errorf("got %+v", backup)
				}
				if name, ok := spec.MemberOf(backup.Address, "backup.all"); ok && members.Sources[backup.Source] != (member{name: name}) {
					t.Errorf("%s is read from %+v", backup.Address, members.Sources[backup.Source])
				}
				if !slices.ContainsFunc(expanded.Sources, func(source *spec.Source) bool { return source.Address == backup.Source && source.Type == "postgres" }) {
					t.Errorf("%s is not declared", backup.Source)
				}
			}
			if !slices.Equal(got, test.want) || !slices.Equal(once, test.once) {
				t.Errorf("got %q, once %q", got, once)
			}
			later := expanded.Backups[slices.IndexFunc(expanded.Backups, func(b *spec.Backup) bool { return b.Name == "later" })]
			if want := append(slices.Clone(test.want), database); !slices.Equal(later.DependsOn, want) {
				t.Errorf("what waits for them waits for %q", later.DependsOn)
			}
			drilled := []string{database}
			for _, drill := range expanded.Drills {
				if drill.Backup != database {
					drilled = append(drilled, drill.Backup)
				}
			}
			if want := append([]string{database}, test.want...); !slices.Equal(drilled, want) {
				t.Errorf("drilled are %q", drilled)
			}
			if len(s.spec.Backups) != 3 || len(world.Sources) != 2 {
				t.Error("the specification or the world was changed")
			}
		})
	}
}
