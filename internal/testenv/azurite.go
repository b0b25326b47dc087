package testenv

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
)

// TestCache is the environment variable that names the folder where scripts/test installs what is no package of the system;
// imsctl-test in the user's cache when it is not set.
const TestCache = "IMSCTL_TEST_CACHE"

// AzuriteServer is an emulator of Azure Blob Storage with one account.
type AzuriteServer struct {
	// Endpoint is the address of the account, such as http://127.0.0.1:10000/imsctltest.
	Endpoint     string
	Account, Key string
}

// Azurite starts an emulator of Azure Blob Storage that is stopped when the test ends.
func Azurite(t testing.TB) AzuriteServer {
	t.Helper()
	Need(t, "node")
	if _, err := azuriteProgram(); err != nil {
		Skip(t, err.Error())
	}
	server, emulator, err := StartAzurite()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(emulator.Stop)
	return server
}

// StartAzurite starts an emulator of Azure Blob Storage, Azurite, that keeps its blobs in memory. It must be stopped.
func StartAzurite() (AzuriteServer, *Emulator, error) {
	program, err := azuriteProgram()
	if err != nil {
		return AzuriteServer{}, nil, err
	}
	port, err := freePort()
	if err != nil {
		return AzuriteServer{}, nil, err
	}
	server := AzuriteServer{Account: "imsctltest", Key: base64.StdEncoding.EncodeToString([]byte("the key of an emulator of a test"))}
	server.Endpoint = "http://127.0.0.1:" + port + "/" + server.Account
	// The client is newer than the emulator, which by itself refuses versions of the interface that it does not know.
	command := exec.Command("node", program, "--blobHost", "127.0.0.1", "--blobPort", port,
		"--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry")
	command.Dir, command.Env = os.TempDir(), append(os.Environ(), "AZURITE_ACCOUNTS="+server.Account+":"+server.Key)
	emulator, err := startEmulator(command, server.Endpoint+"?comp=list")
	if err != nil {
		return AzuriteServer{}, nil, fmt.Errorf("Azurite: %w", err)
	}
	return server, emulator, nil
}

// azuriteProgram finds the emulator where scripts/test installs it.
func azuriteProgram() (string, error) {
	folder, err := testCache()
	if err != nil {
		return "", fmt.Errorf("there is no folder that Azurite could be in: %w", err)
	}
	program := filepath.Join(folder, "azurite", "node_modules", "azurite", "dist", "src", "blob", "main.js")
	if _, err := os.Stat(program); err != nil {
		return "", fmt.Errorf("Azurite is not installed, which scripts/test does: %w", err)
	}
	return program, nil
}

// testCache is the folder that TestCache names.
func testCache() (string, error) {
	if folder := os.Getenv(TestCache); folder != "" {
		return folder, nil
	}
	cache, err := os.UserCacheDir()
	return filepath.Join(cache, "imsctl-test"), err
}

// MakeContainer makes a container in the account.
func (s AzuriteServer) MakeContainer(ctx context.Context, name string) error {
	credential, err := container.NewSharedKeyCredential(s.Account, s.Key)
	if err != nil {
		return fmt.Errorf("making container %s: %w", name, err)
	}
	client, err := container.NewClientWithSharedKeyCredential(s.Endpoint+"/"+name, credential, nil)
	if err == nil {
		_, err = client.Create(ctx, nil)
	}
	if err != nil {
		return fmt.Errorf("making container %s: %w", name, err)
	}
	return nil
}
