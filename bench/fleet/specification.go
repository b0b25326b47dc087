// Package fleet simulates a thousand hosts with ten thousand databases: the specification of them, the state of their backups, and
// stores in memory that hold the copies and answer as slowly as real ones. What is measured on it is the program's own code.
package fleet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"time"

	"github.com/go-json-experiment/json"

	"github.com/castrolanda/imsctl/spec"
)

// Fleet is how large it is.
type Fleet struct {
	Hosts, Databases int
	// Artifacts is how many each database has.
	Artifacts int
	// Now is when the plan is made. One database in DueEvery is due then.
	Now time.Time
}

// DueEvery: one database in so many is due.
const DueEvery = 10

// stores are the destinations. Databases with an even number have copies at the first two, the others at all three.
var stores = []string{"destination.gcs.primary", "destination.azblob.secondary", "destination.gcs.archive"}

// Due is how many backups are due.
func (f Fleet) Due() int { return (f.Databases + DueEvery - 1) / DueEvery }

// declarations is the specification but for the state. What the fleet consists of is data, as an inventory would write it.
const declarations = `
locals {
  hosts     = jsondecode(file("hosts.json"))
  databases = jsondecode(file("databases.json"))
  small     = { for name, database in local.databases : name => database if database.small }
  large     = { for name, database in local.databases : name => database if !database.small }
}
retention "month" {
  keep_last = %d
}
host "ssh" "h" {
  for_each     = local.hosts
  address      = each.value.address
  user         = "backup"
  max_parallel = 2
}
source "postgres" "db" {
  for_each  = local.databases
  host      = host.ssh.h[each.value.host]
  container = "postgres"
  user      = "postgres"
  database  = each.key
}
destination "gcs" "primary" {
  bucket    = "fleet-primary"
  retention = retention.month
}
destination "azblob" "secondary" {
  account   = "fleetsecondary"
  container = "backups"
  retention = retention.month
}
destination "gcs" "archive" {
  bucket    = "fleet-archive"
  retention = retention.month
}
backup "small" {
  for_each = local.small
  source   = source.postgres.db[each.key]
  to       = [destination.gcs.primary, destination.azblob.secondary]
  every    = "24h"
}
backup "large" {
  for_each = local.large
  source   = source.postgres.db[each.key]
  to       = [destination.gcs.primary, destination.azblob.secondary, destination.gcs.archive]
  every    = "24h"
}
`

// Write writes the specification into a folder, with the state block that is given.
func (f Fleet) Write(folder, stateBlock string) error {
	type host struct {
		Address string `json:"address"`
	}
	type database struct {
		Host  string `json:"host"`
		Small bool   `json:"small"`
	}
	hosts, databases := make(map[string]host), make(map[string]database)
	for i := range f.Hosts {
		hosts[hostName(i)] = host{Address: hostName(i) + ".fleet.example.org"}
	}
	for i := range f.Databases {
		databases[databaseName(i)] = database{Host: hostName(i % f.Hosts), Small: i%2 == 0}
	}
	var errs []error
	write := func(name string, content []byte, err error) {
		errs = append(errs, err, os.WriteFile(filepath.Join(folder, name), content, 0o600))
	}
	content, err := json.Marshal(hosts, json.Deterministic(true))
	write("hosts.json", content, err)
	content, err = json.Marshal(databases, json.Deterministic(true))
	write("databases.json", content, err)
	write("fleet.hcl", []byte("imsctl {\n"+stateBlock+"}\n"+fmt.Sprintf(declarations, f.Artifacts)), nil)
	return errors.Join(errs...)
}

func hostName(i int) string     { return fmt.Sprintf("host%04d", i) }
func databaseName(i int) string { return fmt.Sprintf("app%05d", i) }

// backupName is the address of a database's backup, and the folder of its copies.
func backupName(i int) (address, folder string) {
	kind := "large"
	if i%2 == 0 {
		kind = "small"
	}
	address = fmt.Sprintf("backup.%s[%q]", kind, databaseName(i))
	return address, spec.BackupName(address)
}
