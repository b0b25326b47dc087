package stack

import (
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// The databases, and the containers that Seed and Fingerprint work with.
const (
	inventoryDatabase = "ims_staging"
	keycloakDatabase  = "keycloak"
	redisContainer    = "ims_redis_staging"
)

// Seed fills the databases and Redis of a project that is up and empty.
func (s *Stack) Seed(ctx context.Context) error {
	inventory, err := s.Connect(ctx, inventoryDatabase)
	if err != nil {
		return err
	}
	defer inventory.Close(context.WithoutCancel(ctx))
	if err := testenv.SeedConnection(ctx, inventory, 3000); err != nil {
		return err
	}
	if err := execute(ctx, inventory, "ims.sql"); err != nil {
		return err
	}
	if _, err := inventory.Exec(ctx, "create database "+keycloakDatabase); err != nil {
		return fmt.Errorf("seeding: %w", err)
	}
	keycloak, err := s.Connect(ctx, keycloakDatabase)
	if err != nil {
		return err
	}
	defer keycloak.Close(context.WithoutCancel(ctx))
	if err := execute(ctx, keycloak, "keycloak.sql"); err != nil {
		return err
	}
	script, err := project.ReadFile("project/redis.lua")
	if err != nil {
		return err
	}
	_, err = s.redis(ctx, "", "eval", string(script), "0")
	return err
}

// execute runs a file of the project in a database.
func execute(ctx context.Context, connection *pgx.Conn, name string) error {
	text, err := project.ReadFile("project/" + name)
	if err != nil {
		return err
	}
	if _, err := connection.Exec(ctx, string(text)); err != nil {
		return fmt.Errorf("seeding with %s: %w", name, err)
	}
	return nil
}

// Connect connects to a database of the project as its superuser.
func (s *Stack) Connect(ctx context.Context, database string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig("postgres://ims_user:secret@127.0.0.1:5432/" + database + "?sslmode=disable")
	if err != nil {
		return nil, err
	}
	config.DialFunc = s.Docker.Dial
	return pgx.ConnectConfig(ctx, config)
}

// redis runs redis-cli in the container, with commands on its standard input or as arguments.
func (s *Stack) redis(ctx context.Context, commands string, arguments ...string) (string, error) {
	command := s.Docker.Command(ctx, append([]string{"exec", "--interactive", redisContainer, "redis-cli"}, arguments...)...)
	command.Stdin = strings.NewReader(commands)
	output, err := command.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("redis-cli: %w: %s", err, output)
	}
	return string(output), nil
}

// writeFiles makes the folders of the machine: the project's, and that of the old system, which is to be retired.
func (s *Stack) writeFiles() error {
	compose, err := project.ReadFile("project/" + composeFile)
	if err != nil {
		return err
	}
	files := map[string]string{
		"inventory-system-novo/" + composeFile:            string(compose),
		"inventory-system-novo/manage.py":                 "#!/usr/bin/env python3\nprint('inventory')\n",
		"inventory-system-novo/scripts/nightly.sh":        "#!/bin/sh\ncd /home/eciroma/inventory-system-novo && ./manage.py\n",
		"inventory-system-novo/.git/HEAD":                 "ref: refs/heads/main\n",
		"inventory-system-novo/app/models.pyc":            "compiled, and left out of the backup",
		"inventory-system-novo/app/templates/início.html": "<h1>Estoque</h1>\n",
		"inventory-system/docker-compose.yml":             "services: {}\n",
		"inventory-system/notes/leia-me.txt":              strings.Repeat("O sistema antigo.\n", 200),
	}
	generator := rand.New(rand.NewPCG(1, 2))
	for n := range 40 {
		content := make([]byte, generator.IntN(20_000))
		for i := range content {
			content[i] = "inventory system "[generator.IntN(17)]
		}
		files[fmt.Sprintf("inventory-system-novo/media/%02d/upload.txt", n)] = string(content)
	}
	for name, content := range files {
		path := filepath.Join(s.Home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), modeOf(name)); err != nil {
			return err
		}
	}
	return os.Symlink("media/01/upload.txt", filepath.Join(s.Project(), "latest"))
}

func modeOf(name string) fs.FileMode {
	if strings.HasSuffix(name, ".py") || strings.HasSuffix(name, ".sh") {
		return 0o755
	}
	return 0o640
}
