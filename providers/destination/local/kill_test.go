package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
	host "github.com/castrolanda/imsctl/providers/host/local"
)

// uploadTo is the environment variable that makes the test binary an upload without an end, into the folder that it names.
const uploadTo = "IMSCTL_TEST_UPLOAD_TO"

func TestMain(m *testing.M) {
	if root := os.Getenv(uploadTo); root != "" {
		fmt.Fprintln(os.Stderr, uploadWithoutEnd(root))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// uploadWithoutEnd uploads until it is killed and says when it has begun.
func uploadWithoutEnd(root string) error {
	d, err := (&Config{Path: root}).Destination(providers.Environment{
		Hosts: func(providers.Reference) (providers.Host, error) { return host.New(), nil },
		Clock: clock.System{},
	})
	if err != nil {
		return err
	}
	upload, err := d.Create(context.Background(), "folder/object", providers.CreateOptions{})
	if err != nil {
		return err
	}
	for written := 0; written < 256<<20; written += 1 << 20 {
		if _, err := upload.Write(make([]byte, 1<<20)); err != nil {
			return err
		}
		fmt.Println("written", written)
	}
	return errors.New("nobody has killed it")
}

func TestKilledUploadLeavesARemnantAndNoObject(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), uploadTo+"="+root)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Errorf("the upload said %q, %v", line, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	child.Wait()

	d := at(t, root)
	if found := keys(t, d, ""); len(found) != 0 {
		t.Errorf("List shows %q", found)
	}
	left, err := d.Remnants(t.Context(), "folder/object")
	if err != nil || len(left) != 1 || left[0].Key != "folder/object" || left[0].Size == 0 || left[0].Modified.IsZero() {
		t.Fatalf("remnants: %+v, %v", left, err)
	}
	if err := d.RemoveRemnant(t.Context(), left[0]); err != nil {
		t.Error(err)
	}
	if left := tree(t, root); len(left) != 0 {
		t.Errorf("left: %q", left)
	}
	put(t, d, "folder/object", []byte("data"))
}
