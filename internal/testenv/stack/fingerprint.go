package stack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// Fingerprint describes all data of the stack so that equal data has equal descriptions: each table's rows and everything
// around them in both databases, the roles, each key of Redis with its expiry, and each file. There is a line for each.
func (s *Stack) Fingerprint(ctx context.Context) (map[string][]string, error) {
	all := make(map[string][]string)
	for _, database := range []string{inventoryDatabase, keycloakDatabase} {
		connection, err := s.Connect(ctx, database)
		if err != nil {
			return nil, err
		}
		defer connection.Close(context.WithoutCancel(ctx))
		described, err := testenv.FingerprintConnection(ctx, connection)
		if err != nil {
			return nil, err
		}
		for name, lines := range described {
			all[database+" "+name] = lines
		}
	}
	var err error
	if all["roles"], err = s.roles(ctx); err != nil {
		return nil, err
	}
	if all["redis"], err = s.keys(ctx); err != nil {
		return nil, err
	}
	for _, folder := range []string{"inventory-system-novo", "inventory-system"} {
		if all[folder], err = files(filepath.Join(s.Home, folder)); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// roles describes the roles of the server, with the hashes of their passwords.
func (s *Stack) roles(ctx context.Context) ([]string, error) {
	connection, err := s.Connect(ctx, "postgres")
	if err != nil {
		return nil, err
	}
	defer connection.Close(context.WithoutCancel(ctx))
	rows, err := connection.Query(ctx, `select rolname || ' ' || rolcanlogin || ' ' || case when rolname = 'ims_user' then '' else coalesce(rolpassword, '') end
		|| ' ' || array(select roleid::regrole::text from pg_auth_members where member = pg_authid.oid order by 1)::text from pg_authid order by 1`)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// keys describes each key of each database that has any: its digest, which Redis makes of the value and not of how it is stored, and
// when it expires.
func (s *Stack) keys(ctx context.Context) ([]string, error) {
	var described []string
	for _, database := range []string{"0", "3"} {
		list, err := s.redis(ctx, "", "-n", database, "--scan")
		if err != nil {
			return nil, err
		}
		var commands strings.Builder
		names := strings.Fields(list)
		for _, name := range names {
			fmt.Fprintf(&commands, "debug digest-value %s\npexpiretime %s\n", name, name)
		}
		answers, err := s.redis(ctx, commands.String(), "-n", database)
		if err != nil {
			return nil, err
		}
		values := strings.Fields(answers)
		if len(values) != 2*len(names) {
			return nil, fmt.Errorf("%d answers for %d keys: %s", len(values), len(names), answers)
		}
		for i, name := range names {
			described = append(described, database+" "+name+" "+values[2*i]+" "+values[2*i+1])
		}
	}
	slices.Sort(described)
	return described, nil
}

// files describes what a backup of the folder keeps of it.
func files(folder string) ([]string, error) {
	var described []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.Name() == ".git" {
			return fs.SkipDir
		}
		if strings.HasSuffix(path, ".pyc") {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		content, err := contentOf(path, info)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		modified := ""
		if info.Mode().IsRegular() {
			modified = info.ModTime().UTC().Format("2006-01-02T15:04:05")
		}
		described = append(described, strings.Join([]string{name, info.Mode().String(), modified, content}, " "))
		return nil
	})
	return described, err
}

// contentOf is a hash of a file, and the target of a link.
func contentOf(path string, info fs.FileInfo) (string, error) {
	switch {
	case info.Mode().IsRegular():
		data, err := os.ReadFile(path)
		hash := sha256.Sum256(data)
		return hex.EncodeToString(hash[:]), err
	case info.Mode()&fs.ModeSymlink != 0:
		return os.Readlink(path)
	default:
		return "", nil
	}
}
