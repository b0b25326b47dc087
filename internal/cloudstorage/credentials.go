package cloudstorage

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"

	"github.com/castrolanda/imsctl/internal/endpoint"
)

// scope is what the credentials are asked for: objects, and reading the bucket's rules.
const scope = "https://www.googleapis.com/auth/devstorage.full_control"

// credentials reads the file that was named, or finds the application default credentials.
func (c *Connection) credentials() (*auth.Credentials, error) {
	options := &credentials.DetectOptions{Scopes: []string{scope}}
	if c.CredentialsFile == "" {
		found, err := credentials.DetectDefault(options)
		if err != nil {
			return nil, fmt.Errorf("%w: there are no application default credentials: run gcloud auth application-default login, let GOOGLE_APPLICATION_CREDENTIALS name a file, or write credentials_file: %w",
				endpoint.ErrDenied, err)
		}
		return labelled(found, "the application default credentials"), nil
	}
	data, err := os.ReadFile(c.CredentialsFile)
	if err != nil {
		return nil, fmt.Errorf("reading credentials_file: %w", err)
	}
	var kind struct {
		Type credentials.CredType `json:"type"`
	}
	// The decoder's own errors could quote what is secret.
	if json.Unmarshal(data, &kind) != nil || kind.Type == "" {
		return nil, fmt.Errorf("%w: credentials_file %s has no credentials: it must be the JSON file of a service account's key or of workload identity federation",
			endpoint.ErrDenied, c.CredentialsFile)
	}
	found, err := credentials.NewCredentialsFromJSON(kind.Type, data, options)
	if err != nil {
		return nil, fmt.Errorf("%w: credentials_file %s cannot be used as %q: it is incomplete or of a kind that is not supported", endpoint.ErrDenied, c.CredentialsFile, kind.Type)
	}
	return labelled(found, "credentials_file "+c.CredentialsFile), nil
}

// tokenError is the error of credentials that gave no token. It makes them known among the errors of requests.
type tokenError struct {
	whose string
	err   error
}

func (e *tokenError) Error() string { return e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// tokens gives the tokens of credentials.
type tokens struct {
	*auth.Credentials
	whose string
}

func (t tokens) Token(ctx context.Context) (*auth.Token, error) {
	token, err := t.Credentials.Token(ctx)
	if err != nil {
		return nil, &tokenError{t.whose, err}
	}
	return token, nil
}

// labelled returns the same credentials with errors that are *tokenError.
func labelled(found *auth.Credentials, whose string) *auth.Credentials {
	return auth.NewCredentials(&auth.CredentialsOptions{
		TokenProvider:          tokens{found, whose},
		ProjectIDProvider:      auth.CredentialsPropertyFunc(found.ProjectID),
		QuotaProjectIDProvider: auth.CredentialsPropertyFunc(found.QuotaProjectID),
		UniverseDomainProvider: auth.CredentialsPropertyFunc(found.UniverseDomain),
	})
}
