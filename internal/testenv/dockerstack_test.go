package testenv

import "testing"

func TestDebian(t *testing.T) {
	docker := DockerDebian(t)
	docker.Postgres(t, "database", "ims_user", "ims_staging")
	docker.Redis(t, "cache")
	if got := docker.Run(t, "exec", "database", "psql", "--no-psqlrc", "-U", "ims_user", "-Atc", "select current_user || ' ' || current_database()", "ims_staging"); got != "ims_user ims_staging" {
		t.Errorf("PostgreSQL says %q", got)
	}
	docker.Run(t, "exec", "database", "pg_dump", "-U", "ims_user", "ims_staging")
	docker.Run(t, "exec", "cache", "redis-cli", "set", "ml:model", "bytes")
	if got := docker.Run(t, "exec", "cache", "redis-cli", "get", "ml:model"); got != "bytes" {
		t.Errorf("Redis says %q", got)
	}
}
