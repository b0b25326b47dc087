package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// check says what contradicts the promises of the document, but for the order of its artifacts.
func (d *Document) check() error {
	switch {
	case d.Version < 1:
		return errors.New("it has no version")
	case d.Version > Version:
		return &NewerError{Format: d.Version, Supported: Version}
	case d.Lineage == "":
		return errors.New("it has no lineage")
	}
	ids := make(map[string]struct{}, len(d.Artifacts))
	for i, artifact := range d.Artifacts {
		if artifact == nil {
			return fmt.Errorf("artifact number %d is null", i+1)
		}
		if err := artifact.check(); err != nil {
			return fmt.Errorf("artifact number %d: %w", i+1, err)
		}
		if _, exists := ids[artifact.ID]; exists {
			return fmt.Errorf("artifact %s is there twice", artifact.ID)
		}
		ids[artifact.ID] = struct{}{}
	}
	if err := checkAll("drill", d.Drills, (*Drill).check, (*Drill).key); err != nil {
		return err
	}
	if err := checkAll("release", d.Releases, (*Release).check, (*Release).key); err != nil {
		return err
	}
	if err := checkAll("result", d.Checks, (*CheckResult).check, (*CheckResult).id); err != nil {
		return err
	}
	if err := checkAll("cleanup", d.Cleanups, (*Cleanup).check, (*Cleanup).key); err != nil {
		return err
	}
	if err := checkAll("setback", d.Setbacks, (*Setback).check, (*Setback).key); err != nil {
		return err
	}
	intents := make(map[string]struct{}, len(d.Intents))
	for i, intent := range d.Intents {
		if intent == nil || intent.ID == "" {
			return fmt.Errorf("intent number %d has no id", i+1)
		}
		if _, exists := intents[intent.ID]; exists {
			return fmt.Errorf("intent %s is there twice", intent.ID)
		}
		intents[intent.ID] = struct{}{}
	}
	return nil
}

// checkAll checks records of one kind, each of which is there once.
func checkAll[T any](kind string, records []*T, check func(*T) error, id func(*T) string) error {
	seen := make(map[string]struct{}, len(records))
	for i, record := range records {
		if record == nil {
			return fmt.Errorf("%s number %d is null", kind, i+1)
		}
		if err := check(record); err != nil {
			return fmt.Errorf("%s number %d: %w", kind, i+1, err)
		}
		if _, exists := seen[id(record)]; exists {
			return fmt.Errorf("%s %s is there twice", kind, id(record))
		}
		seen[id(record)] = struct{}{}
	}
	return nil
}

// check says what contradicts the promises of the artifact.
func (a *Artifact) check() error {
	switch {
	case a.ID == "":
		return errors.New("it has no id")
	case a.Backup == "":
		return fmt.Errorf("%s has no backup", a.ID)
	case a.Raw.Size < 0 || a.Stored.Size < 0 || a.ManifestSize < 0:
		return fmt.Errorf("%s has a negative size", a.ID)
	case len(a.Replicas) == 0:
		return fmt.Errorf("%s has no copies", a.ID)
	}
	if err := a.Survey.check(); err != nil {
		return fmt.Errorf("%s: %w", a.ID, err)
	}
	for i := range a.Replicas {
		if err := a.Replicas[i].check(); err != nil {
			return fmt.Errorf("%s: %w", a.ID, err)
		}
		if i == 0 {
			continue
		}
		switch strings.Compare(a.Replicas[i-1].Destination, a.Replicas[i].Destination) {
		case 0:
			return fmt.Errorf("%s has two copies at %s", a.ID, a.Replicas[i].Destination)
		case 1:
			return fmt.Errorf("the copies of %s are not in the order of their destinations", a.ID)
		}
	}
	return nil
}

// check says what contradicts the promises of the replica.
func (r *Replica) check() error {
	if r.Destination == "" {
		return errors.New("a copy has no destination")
	}
	if r.Condition != Verified && r.Condition != Altered && r.Condition != Unproven {
		return fmt.Errorf("the copy at %s has the condition %q, which is none of %q, %q and %q", r.Destination, r.Condition, Verified, Altered, Unproven)
	}
	return nil
}

// sortReplicas returns the replicas in the order that an artifact promises, without changing the argument.
func sortReplicas(replicas []Replica) []Replica {
	return slices.SortedStableFunc(slices.Values(replicas), func(a, b Replica) int {
		return strings.Compare(a.Destination, b.Destination)
	})
}
