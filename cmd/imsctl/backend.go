package main

import (
	"fmt"

	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/azblob"
	"github.com/castrolanda/imsctl/state/gcs"
	"github.com/castrolanda/imsctl/state/local"
	"github.com/castrolanda/imsctl/state/postgres"
	"github.com/castrolanda/imsctl/state/remote"
)

// backend makes the backend that a specification keeps its state in, without touching it. Relative paths in it start at
// the folder.
func (c *cli) backend(declared spec.StateBackend, folder string) (state.Backend, error) {
	var medium remote.Medium
	var err error
	switch settings := declared.Settings.(type) {
	case *spec.PostgresState:
		medium, err = postgres.New(postgres.Config{URL: settings.URL, Schema: settings.Schema, Name: settings.Name})
	case *spec.GCSState:
		medium = gcs.New(settings.Location(), folder)
	case *spec.AzblobState:
		medium, err = azblob.New(settings.Location(), c.clock)
	default:
		return local.New(declared.Path, c.clock, c.version), nil
	}
	if err != nil {
		return nil, fmt.Errorf("state %q: %w", declared.Type, err)
	}
	return remote.New(medium, remote.Options{Clock: c.clock, Version: c.version, Folder: "."}), nil
}
