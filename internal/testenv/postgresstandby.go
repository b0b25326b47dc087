package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Standby starts a server that follows this one: a copy of it, in a temporary folder, that receives and replays what is written.
// Close stops it and removes the folder.
func (s *PostgresServer) Standby(ctx context.Context) (*PostgresServer, error) {
	folder, err := os.MkdirTemp("", "imsctl-postgres-")
	if err != nil {
		return nil, err
	}
	standby := &PostgresServer{binaries: s.binaries, folder: folder, password: s.password, owner: s.owner}
	if err := standby.follow(ctx, s); err != nil {
		return nil, errors.Join(err, standby.Close())
	}
	return standby, nil
}

// follow copies another server and starts the copy.
func (s *PostgresServer) follow(ctx context.Context, primary *PostgresServer) error {
	if s.owner != nil {
		if err := os.Chown(s.folder, int(s.owner.Uid), int(s.owner.Gid)); err != nil {
			return err
		}
	}
	if err := os.Chmod(s.folder, 0o755); err != nil {
		return err
	}
	command := s.command(ctx, "pg_basebackup", "-D", filepath.Join(s.folder, "data"), "-d", primary.URL("postgres"),
		"--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--no-sync")
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("pg_basebackup: %w: %s", err, output)
	}
	return s.Start(ctx)
}
