// Package blobstorage is what all have in common that use containers of Azure Blob Storage: where a container is, how to get
// in, and what the store's errors mean.
package blobstorage

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/service"

	"github.com/castrolanda/imsctl/internal/clock"
)

// answerTimeout is how long the store may take to begin an answer to a request that it has whole.
const answerTimeout = 2 * time.Minute

// Connection makes the client when it is first asked for, and keeps it.
type Connection struct {
	Access    Access
	Container string
	// Clock tells whether a signature has expired.
	Clock clock.Clock

	mu      sync.Mutex
	service *service.Client
	blobs   *container.Client
}

// Clients returns the client of the account and that of the container.
func (c *Connection) Clients(ctx context.Context) (*service.Client, *container.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service == nil {
		made, err := c.connect()
		if err != nil {
			return nil, nil, fmt.Errorf("preparing to speak with Blob Storage: %s", c.Access.Conceal(err.Error()))
		}
		c.service, c.blobs = made, made.NewContainerClient(c.Container)
	}
	return c.service, c.blobs, nil
}

func (c *Connection) connect() (*service.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = answerTimeout
	transport.MaxIdleConnsPerHost = 16
	transport.DisableCompression = true // blobs are read as they are
	// The store sends nobody elsewhere, and credentials are not to follow where somebody does.
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	options := policy.ClientOptions{
		Transport: client,
		// Whoever calls a destination decides what is tried again.
		Retry: policy.RetryOptions{MaxRetries: -1},
	}
	serviceOptions := &service.ClientOptions{ClientOptions: options}
	switch {
	case c.Access.Key != "":
		key, err := service.NewSharedKeyCredential(c.Access.Account, c.Access.Key)
		if err != nil {
			return nil, err
		}
		return service.NewClientWithSharedKeyCredential(c.Access.Service+"/", key, serviceOptions)
	case c.Access.SAS != "":
		return service.NewClientWithNoCredential(c.Access.Service+"/?"+c.Access.SAS, serviceOptions)
	}
	// Asking for tokens keeps the retries of its own: nobody above knows of them.
	chain, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return service.NewClient(c.Access.Service+"/", chain, serviceOptions)
}
