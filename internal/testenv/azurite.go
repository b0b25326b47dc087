package testenv

import (
	"encoding/base64"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
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

// Azurite starts an emulator of Azure Blob Storage, Azurite, that keeps its blobs in memory and is stopped when the test ends.
func Azurite(t testing.TB) AzuriteServer {
	t.Helper()
	node, program := Need(t, "node"), filepath.Join(testCache(t), "azurite", "node_modules", "azurite", "dist", "src", "blob", "main.js")
	if _, err := os.Stat(program); err != nil {
		Skip(t, "Azurite is not installed, which scripts/test does: "+err.Error())
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	server := AzuriteServer{Account: "imsctltest", Key: base64.StdEncoding.EncodeToString([]byte("the key of an emulator of a test"))}
	server.Endpoint = "http://127.0.0.1:" + port + "/" + server.Account
	// The client is newer than the emulator, which by itself refuses versions of the interface that it does not know.
	command := exec.Command(node, program, "--blobHost", "127.0.0.1", "--blobPort", port,
		"--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry")
	command.Dir, command.Env = t.TempDir(), append(os.Environ(), "AZURITE_ACCOUNTS="+server.Account+":"+server.Key)
	command.SysProcAttr = dyingWithParent()
	exited, err := launch(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-exited
	})
	if err := awaitHTTP(server.Endpoint+"?comp=list", exited); err != nil {
		t.Fatalf("Azurite: %v", err)
	}
	return server
}

// testCache is the folder where scripts/test installs things.
func testCache(t testing.TB) string {
	t.Helper()
	if folder := os.Getenv(TestCache); folder != "" {
		return folder
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		Skip(t, "there is no folder that Azurite could be in: "+err.Error())
	}
	return filepath.Join(cache, "imsctl-test")
}
