package azblob

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
)

// answerTimeout is how long the store may take to begin an answer to a request that it has whole.
const answerTimeout = 2 * time.Minute

// connection makes the client when it is first asked for, and keeps it.
type connection struct {
	access    access
	container string

	mu      sync.Mutex
	service *service.Client
	blobs   *container.Client
}

// get returns the client of the account and that of the container.
func (c *connection) get(ctx context.Context) (*service.Client, *container.Client, error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.service == nil {
		made, err := c.connect()
		if err != nil {
			return nil, nil, fmt.Errorf("preparing to speak with Blob Storage: %s", c.access.conceal(err.Error()))
		}
		c.service, c.blobs = made, made.NewContainerClient(c.container)
	}
	return c.service, c.blobs, nil
}

func (c *connection) connect() (*service.Client, error) {
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
	case c.access.key != "":
		key, err := service.NewSharedKeyCredential(c.access.account, c.access.key)
		if err != nil {
			return nil, err
		}
		return service.NewClientWithSharedKeyCredential(c.access.service+"/", key, serviceOptions)
	case c.access.sas != "":
		return service.NewClientWithNoCredential(c.access.service+"/?"+c.access.sas, serviceOptions)
	}
	// Asking for tokens keeps the retries of its own: nobody above knows of them.
	chain, err := azidentity.NewDefaultAzureCredential(nil)
	if err != nil {
		return nil, err
	}
	return service.NewClient(c.access.service+"/", chain, serviceOptions)
}
