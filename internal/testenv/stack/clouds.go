package stack

import (
	"context"
	"fmt"

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
	if err := testenv.MakeBucket(ctx, s.GCS, bucket); err != nil {
		return err
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
