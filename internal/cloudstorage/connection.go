// Package cloudstorage is what all have in common that use buckets of Google Cloud Storage: where a bucket is, how to get
// in, and what the store's errors mean.
package cloudstorage

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"cloud.google.com/go/auth/httptransport"
	"cloud.google.com/go/storage"
	"google.golang.org/api/option"
)

const (
	// defaultEndpoint is Google's. It is always named, so that no environment variable can send copies elsewhere.
	defaultEndpoint = "https://storage.googleapis.com"
	// answerTimeout is how long the store may take to begin an answer to a request that it has whole.
	answerTimeout = 2 * time.Minute
)

// Connection makes the client when it is first asked for, and keeps it.
type Connection struct {
	// Endpoint is the address of another server than Google's; one without encryption gets no credentials.
	Endpoint string
	// CredentialsFile is the path of a file with credentials; the application default credentials without it.
	CredentialsFile string

	mu     sync.Mutex
	client *storage.Client
}

// Client returns the client.
func (c *Connection) Client(ctx context.Context) (*storage.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.client != nil {
		return c.client, nil
	}
	base := http.DefaultTransport.(*http.Transport).Clone()
	base.ResponseHeaderTimeout = answerTimeout
	base.MaxIdleConnsPerHost = 16
	base.DisableCompression = true // objects are read as they are
	transport, authentication, err := c.Authenticated(&dated{base})
	if err != nil {
		return nil, err
	}
	address := c.Endpoint
	if address == "" {
		address = defaultEndpoint
	}
	// The client outlives this call.
	client, err := storage.NewClient(context.WithoutCancel(ctx), option.WithHTTPClient(&http.Client{Transport: transport}), authentication,
		option.WithEndpoint(strings.TrimSuffix(address, "/")+"/storage/v1/"), storage.WithJSONReads())
	if err != nil {
		return nil, fmt.Errorf("preparing to speak with Cloud Storage: %w", err)
	}
	// Whoever calls a destination decides what is tried again. Inside of a resumable upload that would be too late: see session.
	client.SetRetry(storage.WithPolicy(storage.RetryNever))
	c.client = client
	return client, nil
}

// Authenticated is a transport that adds credentials to every request, except where the endpoint is without encryption.
func (c *Connection) Authenticated(base http.RoundTripper) (http.RoundTripper, option.ClientOption, error) {
	if strings.HasPrefix(c.Endpoint, "http:") {
		return base, option.WithoutAuthentication(), nil
	}
	found, err := c.credentials()
	if err != nil {
		return nil, nil, err
	}
	client, err := httptransport.NewClient(&httptransport.Options{Credentials: found, BaseRoundTripper: base, DisableTelemetry: true})
	if err != nil {
		return nil, nil, fmt.Errorf("preparing to send credentials to Cloud Storage: %w", err)
	}
	return client.Transport, option.WithAuthCredentials(found), nil
}

// dateKey is the key of a context's value: where dated writes the Date of the answers to requests under it.
type dateKey struct{}

// WithDate is a context under which requests write the store's own time to date, as the answers to them have it.
func WithDate(ctx context.Context, date *time.Time) context.Context {
	return context.WithValue(ctx, dateKey{}, date)
}

// dated lets a call learn the store's own time.
type dated struct{ base http.RoundTripper }

func (d *dated) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := d.base.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if date, ok := request.Context().Value(dateKey{}).(*time.Time); ok {
		if told, err := http.ParseTime(response.Header.Get("Date")); err == nil {
			*date = told.UTC()
		}
	}
	return response, nil
}
