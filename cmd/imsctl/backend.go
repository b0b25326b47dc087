package main

import (
	"fmt"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/local"
	"github.com/castrolanda/imsctl/state/postgres"
	"github.com/castrolanda/imsctl/state/remote"
)

// backend makes the backend that a specification keeps its state in, without touching it.
func (c *cli) backend(declared spec.StateBackend) (state.Backend, error) {
	if declared.NotBuilt != "" {
		return nil, fmt.Errorf("%s", declared.NotBuilt)
	}
	var medium remote.Medium
	var err error
	switch settings := declared.Settings.(type) {
	case *spec.PostgresState:
		medium, err = postgres.New(postgres.Config{URL: settings.URL, Schema: settings.Schema, Name: settings.Name})
	default:
		return local.New(declared.Path, c.clock, c.version), nil
	}
	if err != nil {
		return nil, fmt.Errorf("state %q: %w", declared.Type, err)
	}
	return remote.New(medium, remote.Options{Clock: c.clock, Version: c.version, Folder: "."}), nil
}
