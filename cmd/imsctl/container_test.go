package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"

	"github.com/castrolanda/imsctl/internal/testenv"
)

const containerSpecification = `
variable "key" {
  type      = string
  sensitive = true
}
source "command" "notes" {
  command = ["cat", "notes.txt"]
}
retention "one" {
  keep_last = 1
}
destination "azblob" "cloud" {
  account     = %q
  container   = "copies"
  endpoint    = %q
  account_key = var.key
  retention   = retention.one
}
backup "notes" {
  source = source.command.notes
  to     = [destination.azblob.cloud]
  every  = "1ms"
  verify {
    read_back = "latest"
  }
}
`

// TestContainer works with a container that is missing, and then beside blobs of others under the same names.
func TestContainer(t *testing.T) {
	server := testenv.Azurite(t)
	w := newWorkFolder(t, map[string]string{"main.hcl": fmt.Sprintf(containerSpecification, server.Account, server.Endpoint), "notes.txt": "something\n"})
	w.environment = []string{"IMS_VAR_key=" + server.Key}
	output := strings.Join(strings.Fields(string(w.run(exitError, "plan"))), " ")
	for _, want := range []string{"destination.azblob.cloud cannot be used", "there is no container copies"} {
		if !strings.Contains(output, want) {
			t.Errorf("the plan does not say %q:\n%s", want, output)
		}
	}
	w.run(exitError, "apply", "-auto-approve")

	credential, err := azblob.NewSharedKeyCredential(server.Account, server.Key)
	if err != nil {
		t.Fatal(err)
	}
	client, err := azblob.NewClientWithSharedKeyCredential(server.Endpoint, credential, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.CreateContainer(t.Context(), "copies", nil); err != nil {
		t.Fatal(err)
	}
	const strangers = 50
	for i := range strangers {
		if _, err := client.UploadBuffer(t.Context(), "copies", fmt.Sprintf("notes/%03d", i), []byte("somebody else's"), nil); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		w.run(exitDone, "apply", "-auto-approve")
	}
	left := 0
	pages := client.NewListBlobsFlatPager("copies", nil)
	for pages.More() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		left += len(page.Segment.BlobItems)
	}
	if left != strangers+2 {
		t.Errorf("of %d blobs of others and one copy %d blobs are left", strangers, left)
	}
	w.run(exitDone, "verify")
	w.run(exitDone, "verify", "-checksums")
}
