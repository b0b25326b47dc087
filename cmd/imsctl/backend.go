package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/spec"
	"github.com/castrolanda/imsctl/state"
	"github.com/castrolanda/imsctl/state/azblob"
	"github.com/castrolanda/imsctl/state/gcs"
	"github.com/castrolanda/imsctl/state/local"
	"github.com/castrolanda/imsctl/state/postgres"
	"github.com/castrolanda/imsctl/state/remote"
)

// localBackend is where a state is that no block is about: in a file of the folder.
func (c *cli) localBackend(folder string) state.Backend {
	return local.New(filepath.Join(folder, spec.DefaultStatePath), c.clock, c.version)
}

// stateCipher encrypts a state for the recipients of its block, and decrypts it with the identities at hand, which are asked
// for when something is to be decrypted.
type stateCipher struct {
	encryption providers.Encryption
	identities func() (providers.Decryption, error)
}

var _ remote.Cipher = (*stateCipher)(nil)

// Seal implements remote.Cipher.
func (s *stateCipher) Seal(plain []byte) ([]byte, error) {
	var sealed bytes.Buffer
	writer, err := s.encryption.NewWriter(&sealed)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(plain); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	return sealed.Bytes(), nil
}

// Open implements remote.Cipher.
func (s *stateCipher) Open(sealed []byte) ([]byte, error) {
	identities, err := s.identities()
	if err != nil {
		return nil, err
	}
	const advice = "name a file with one in " + identityFileVariable + ", or give -identity where the command has it"
	if identities == nil {
		return nil, errors.New("it is encrypted, and there is no identity to read it with: " + advice)
	}
	reader, err := identities.NewReader(bytes.NewReader(sealed))
	if errors.Is(err, providers.ErrNoIdentity) {
		return nil, fmt.Errorf("it is encrypted for others: %w: %s", err, advice)
	}
	if err == nil {
		var plain []byte
		if plain, err = io.ReadAll(reader); err == nil {
			return plain, nil
		}
	}
	return nil, &state.DamageError{Problem: err.Error()}
}

// backend makes the backend that a specification keeps its state in, without touching it. Relative paths in it start at
// the folder.
func (c *cli) backend(declared spec.StateBackend, folder string, input bool) (state.Backend, error) {
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
	options := remote.Options{Clock: c.clock, Version: c.version, Folder: ".", Patience: c.patience}
	if declared.Encryption != nil {
		options.Cipher = &stateCipher{encryption: declared.Encryption, identities: sync.OnceValues(func() (providers.Decryption, error) {
			return c.decryption(identityFlags{c.identities}, true, input)
		})}
	}
	return remote.New(medium, options), nil
}
