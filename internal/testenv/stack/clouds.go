package stack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// The places of the copies in the clouds, under the names that they have in the real system.
const (
	bucket    = "backup_castrolanda"
	container = "database"
)

// startClouds starts the emulators of both clouds, with a place for copies in each.
func (s *Stack) startClouds(ctx context.Context) error {
	endpoint, emulator, err := testenv.StartGCS(ctx)
	if err != nil {
		return err
	}
	s.GCS, s.emulators = endpoint, append(s.emulators, emulator)
	if s.Azure, emulator, err = testenv.StartAzurite(); err != nil {
		return err
	}
	s.emulators = append(s.emulators, emulator)
	if err := s.makeBucket(ctx); err != nil {
		return fmt.Errorf("making a bucket: %w", err)
	}
	credential, err := azblob.NewSharedKeyCredential(s.Azure.Account, s.Azure.Key)
	if err != nil {
		return err
	}
	client, err := azblob.NewClientWithSharedKeyCredential(s.Azure.Endpoint, credential, nil)
	if err != nil {
		return err
	}
	if _, err := client.CreateContainer(ctx, container, nil); err != nil {
		return fmt.Errorf("making a container: %w", err)
	}
	return nil
}

func (s *Stack) makeBucket(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.GCS+"/storage/v1/b?project=stack", strings.NewReader(`{"name":"`+bucket+`"}`))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	return errors.Join(err, response.Body.Close())
}
