package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/state"
)

// selectArtifact finds the artifact that the command line means.
func selectArtifact(project *project, document *state.Document, arguments restoreArguments) (*state.Artifact, error) {
	if artifact := document.Find(arguments.what); artifact != nil {
		if arguments.at != "" {
			return nil, fmt.Errorf("-at: %s is one artifact already; give the address of its backup, %s", artifact.ID, artifact.Backup)
		}
		return artifact, nil
	}
	address, err := selectBackup(project, document, arguments)
	if err != nil {
		return nil, err
	}
	before := time.Time{}
	if arguments.at != "" {
		if before, err = parseTime(arguments.at, project.spec.Location); err != nil {
			return nil, err
		}
	}
	var chosen *state.Artifact
	for _, artifact := range document.ByBackup()[address] {
		if len(artifact.Restorable()) > 0 && (before.IsZero() || !artifact.StartedAt.After(before)) {
			chosen = artifact
		}
	}
	switch {
	case chosen == nil && arguments.at != "":
		return nil, fmt.Errorf("%s has no verified artifact from %s or before; \"imsctl list\" shows what there is", address, arguments.at)
	case chosen == nil:
		return nil, fmt.Errorf("%s has no verified artifact yet", address)
	}
	return chosen, nil
}

// selectBackup finds the backup whose artifact is wanted.
func selectBackup(project *project, document *state.Document, arguments restoreArguments) (string, error) {
	address := arguments.what
	if address == "latest" {
		address = arguments.backup
	} else if arguments.backup != "" {
		return "", errors.New(`-backup goes with "latest" only`)
	}
	if address == "" {
		if len(project.spec.Backups) != 1 {
			var names []string
			for _, backup := range project.spec.Backups {
				names = append(names, backup.Address)
			}
			return "", fmt.Errorf("\"latest\" of which backup? Name one with -backup: %s", strings.Join(names, ", "))
		}
		return project.spec.Backups[0].Address, nil
	}
	for _, candidate := range []string{address, backupAddress(address)} {
		if len(document.ByBackup()[candidate]) > 0 {
			return candidate, nil
		}
		for _, backup := range project.spec.Backups {
			if backup.Address == candidate {
				return candidate, nil
			}
		}
	}
	return "", fmt.Errorf("there is no artifact and no backup %q; \"imsctl list\" shows what can be restored", address)
}

// parseTime reads a moment: RFC 3339, or local time or a day in the specification's zone. A day means its end.
func parseTime(text string, location *time.Location) (time.Time, error) {
	if moment, err := time.Parse(time.RFC3339, text); err == nil {
		return moment, nil
	}
	for _, layout := range []string{"2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		if moment, err := time.ParseInLocation(layout, text, location); err == nil {
			return moment, nil
		}
	}
	if day, err := time.ParseInLocation("2006-01-02", text, location); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Nanosecond), nil
	}
	return time.Time{}, fmt.Errorf("-at %q is not a time: write 2026-11-20, 2026-11-20T12:00 or 2026-11-20T12:00:00Z", text)
}
