package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// onServer opens a session in the database, or beside it where that is not there yet.
func (r *restorer) onServer(ctx context.Context) (session, error) {
	at := r.place
	if !r.exists {
		at = r.beside("template1")
	}
	return at.open(ctx, r.application)
}

// met reports all that the server lacks of what the manifest says the dump needs. For a part of a dump nobody knows what that needs
// before it is read.
func (r *restorer) met(ctx context.Context) error {
	needs := r.target.Needs
	if needs == nil || r.partial() {
		return nil
	}
	session, err := r.onServer(ctx)
	if err != nil {
		return err
	}
	defer session.close(ctx)
	there, err := rolesThere(ctx, session)
	if err != nil {
		return err
	}
	roles := roleNeeds{others: missingFrom(there, needs.Roles)}
	if !r.target.NoOwner {
		roles.owners = missingFrom(there, needs.Owners)
	}
	if !r.target.NoPrivileges {
		roles.grantees = missingFrom(there, needs.Grantees)
	}
	return lacking(extensionsThere(ctx, session, needs.Extensions), roles.missing())
}

// lacking makes one error of what is missing.
func lacking(extensions, roles error) error {
	if extensions != nil && roles != nil {
		return fmt.Errorf("%w; and %w", extensions, roles)
	}
	return errors.Join(extensions, roles)
}

// extensionsThere reports the extensions that a dump needs and the server does not have.
func extensionsThere(ctx context.Context, session session, needed []string) error {
	if len(needed) == 0 {
		return nil
	}
	there, err := namesThere(ctx, session, "select name from pg_available_extensions")
	if err != nil {
		return fmt.Errorf("asking for the extensions that the server has: %w", err)
	}
	missing := missingFrom(there, needed)
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("the dump needs the extensions %s, which the server does not have: install them there (or start it from an image that has them) and restore again",
		strings.Join(missing, ", "))
}

// rolesThere are the roles that the server has.
func rolesThere(ctx context.Context, session session) (map[string]bool, error) {
	there, err := namesThere(ctx, session, "select rolname from pg_roles")
	if err != nil {
		return nil, fmt.Errorf("asking for the roles that the server has: %w", err)
	}
	return there, nil
}

func namesThere(ctx context.Context, session session, sql string) (map[string]bool, error) {
	rows, err := session.rows(ctx, sql)
	there := make(map[string]bool, len(rows))
	for _, row := range rows {
		there[row[0]] = true
	}
	return there, err
}

// missingFrom lists, in order, what of some names is not there.
func missingFrom(there map[string]bool, names []string) []string {
	missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return there[name] })
	slices.Sort(missing)
	return slices.Compact(missing)
}

// roleNeeds are missing roles by what they are needed for. Others are those that no option of a restore leaves out: policies are for
// them, or they have a user mapping.
type roleNeeds struct{ owners, grantees, others []string }

// missing says what can be done about the roles; nil where there are none.
func (n roleNeeds) missing() error {
	all := missingFrom(nil, slices.Concat(n.owners, n.grantees, n.others))
	if len(all) == 0 {
		return nil
	}
	var options []string
	if len(n.owners) > 0 {
		options = append(options, "-no-owner")
	}
	if len(n.grantees) > 0 {
		options = append(options, "-no-privileges")
	}
	otherwise := strings.Join(options, " ")
	switch {
	case len(options) == 0:
		return missingRoles(all, "")
	case len(n.others) > 0:
		otherwise += "; but " + strings.Join(n.others, ", ") + " must be there"
	}
	return missingRoles(all, otherwise)
}

// ownersThere reports the roles that own things in the head of a dump and that the server does not have. Those that it grants something
// to are at its end.
func (s *selection) ownersThere(found *survey) error {
	if s.noOwner || !s.all {
		// Which of them are needed for a part of the dump shows when its statements are read.
		return nil
	}
	missing := missingFrom(s.roles, slices.Collect(maps.Keys(found.owners)))
	if len(missing) == 0 {
		return nil
	}
	return missingRoles(missing, "-no-owner, and -no-privileges where nobody else is to get at it")
}

// missingRoles says what can be done about roles.
func missingRoles(names []string, otherwise string) error {
	var statements []string
	for _, name := range names {
		statements = append(statements, "CREATE ROLE "+identifier(name)+";")
	}
	if otherwise != "" {
		otherwise = ", or restore without them (" + otherwise + ")"
	}
	return fmt.Errorf("the dump needs roles that the server does not have: make them (%s)%s", strings.Join(statements, " "), otherwise)
}
