package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/container"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/testenv/bucket"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/state"
)

// edit changes a text in both files of a site's specification.
func (s *site) edit(old, new string) {
	s.t.Helper()
	for _, name := range []string{"due.hcl", "calm.hcl"} {
		content, err := os.ReadFile(filepath.Join(s.folder, name))
		if err != nil || !strings.Contains(string(content), old) {
			s.t.Fatalf("%s has no %q: %v", name, old, err)
		}
		s.write(name, strings.ReplaceAll(string(content), old, new))
	}
}

// command runs imsctl and returns its exit status and all that it says, with every run of white space as one space.
func (s *site) command(arguments ...string) (int, string) {
	s.t.Helper()
	command := exec.Command("imsctl", arguments...)
	output, err := command.CombinedOutput()
	said := strings.Join(strings.Fields(strings.ReplaceAll(string(output), "│", " ")), " ")
	if exit := new(exec.ExitError); err != nil && (!errors.As(err, &exit) || exit.ExitCode() < 0) {
		s.t.Fatalf("%v: %s", err, said)
	}
	return command.ProcessState.ExitCode(), said
}

// signed is a shared access signature for the container.
func (c *clouds) signed(t *testing.T, permissions string, end time.Time) string {
	t.Helper()
	key, err := container.NewSharedKeyCredential(c.azurite.Account, c.azurite.Key)
	if err != nil {
		t.Fatal(err)
	}
	query, err := sas.BlobSignatureValues{Protocol: sas.ProtocolHTTPSandHTTP, ExpiryTime: end, ContainerName: sharedBucket, Permissions: permissions}.SignWithSharedKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return query.Encode()
}

// TestMistakesWithClouds makes each mistake alone, with a good copy before it, and a healthy destination beside: the command says
// what is wrong, where, and what to do, its exit status tells, and no copy is lost.
func TestMistakesWithClouds(t *testing.T) {
	c := startClouds(t)
	hour := time.Now().Add(time.Hour)
	withSAS := func(permissions string, end time.Time) func(*site) {
		return func(s *site) {
			s.edit(fmt.Sprintf("account_key = %q", c.azurite.Key), fmt.Sprintf("sas_token = %q", c.signed(s.t, permissions, end)))
		}
	}
	without := func(permission bucket.Permission) func(*site) {
		return func(s *site) { c.store.Deny(permission) }
	}
	always := []string{"apply", "-auto-approve", "due.hcl"}
	for name, mistake := range map[string]struct {
		address string
		make    func(*site)
		command []string
		code    int
		says    []string
	}{
		"missing bucket": {atStrict, func(s *site) { s.edit(`bucket    = "reliability"`, `bucket    = "no-such-bucket"`) }, always, exitDegraded,
			[]string{"destination.gcs.strict", "there is no bucket no-such-bucket", "gcloud storage buckets create"}},
		"missing container": {atAzure, func(s *site) { s.edit(`container   = "reliability"`, `container = "no-such-container"`) }, always, exitDegraded,
			[]string{"destination.azblob.container", "there is no container no-such-container", "az storage container create"}},
		"gcs without the right to write":  {atStrict, without(bucket.Write), always, exitError, []string{"destination.gcs.strict", "grant storage.objects.create on bucket reliability"}},
		"gcs without the right to list":   {atStrict, without(bucket.List), always, exitDegraded, []string{"destination.gcs.strict", "grant storage.objects.list on bucket reliability"}},
		"gcs without the right to delete": {atStrict, without(bucket.Delete), always, exitError, []string{"destination.gcs.strict", "grant storage.objects.delete on bucket reliability"}},
		"gcs without the right to read":   {atStrict, without(bucket.Read), []string{"verify", "calm.hcl"}, exitError, []string{"destination.gcs.strict", "grant storage.objects.get", "on bucket reliability"}},
		"azblob without the right to write": {atAzure, withSAS("rdl", hour), always, exitError, []string{"destination.azblob.container",
			"create and write (c, w)", "Storage Blob Data Contributor"}},
		"azblob without the right to list":   {atAzure, withSAS("rcwd", hour), always, exitDegraded, []string{"destination.azblob.container", "list (l)"}},
		"azblob without the right to delete": {atAzure, withSAS("rcwl", hour), always, exitError, []string{"destination.azblob.container", "delete (d)"}},
		"azblob without the right to read":   {atAzure, withSAS("cwdl", hour), []string{"verify", "calm.hcl"}, exitError, []string{"destination.azblob.container", "read (r)"}},
		"expired signature": {atAzure, withSAS("rcwdl", time.Now().Add(-time.Hour)), always, exitDegraded,
			[]string{"destination.azblob.container", "the shared access signature expired at 2"}},
		"wrong key": {atAzure, func(s *site) { s.edit(c.azurite.Key, "YW5vdGhlciBrZXk=") }, always, exitDegraded,
			[]string{"destination.azblob.container", "the store does not accept the account key"}},
		"clock that is ten minutes fast": {atStrict, func(s *site) {
			s.clouds.strict.Inject(testenv.Rule{Fault: testenv.Altered(func(r *http.Response) {
				r.Header.Set("Date", time.Now().Add(10*time.Minute).UTC().Format(http.TimeFormat))
			})})
		}, always, exitError, []string{"clock of destination.gcs.strict differs by", "nothing is deleted"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, c, "fast", "", atDisk, mistake.address)
			defer s.heal()
			defer c.store.Allow(bucket.Write, bucket.List, bucket.Delete, bucket.Read)
			s.healthy("due.hcl")
			before := s.names(mistake.address)
			good := s.specification()
			mistake.make(s)
			s.change(10_000)
			arguments := slices.Clone(mistake.command)
			arguments[len(arguments)-1] = filepath.Join(s.folder, arguments[len(arguments)-1])
			code, said := s.command(arguments...)
			if code != mistake.code {
				t.Errorf("exit status %d, want %d", code, mistake.code)
			}
			for _, part := range mistake.says {
				if !strings.Contains(said, part) {
					t.Errorf("it does not say %q", part)
				}
			}
			if t.Failed() {
				t.Log(said)
			}
			s.withoutSecrets(said)
			s.heal()
			c.store.Allow(bucket.Write, bucket.List, bucket.Delete, bucket.Read)
			s.restoreSpecification(good)
			for _, name := range before {
				if after := s.names(mistake.address); !slices.Contains(after, name) {
					t.Errorf("%s is gone, left are %q", name, after)
				}
			}
			s.mend("calm.hcl")
			s.check(nil)
		})
	}
}

// withoutSecrets checks that what was said has none.
func (s *site) withoutSecrets(said string) {
	s.t.Helper()
	for _, secret := range []string{s.clouds.azurite.Key, "sig="} {
		if strings.Contains(said, secret) {
			s.t.Errorf("it says the secret %q: %s", secret, said)
		}
	}
}

// names are the keys of all objects at a destination.
func (s *site) names(address string) (names []string) {
	s.t.Helper()
	_, world, _ := s.open("calm.hcl")
	err := world.Destinations[address].List(s.t.Context(), "", func(object providers.Object) error {
		names = append(names, object.Key)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return names
}

// specification are the two files.
func (s *site) specification() map[string]string {
	files := make(map[string]string)
	for _, name := range []string{"due.hcl", "calm.hcl"} {
		content, err := os.ReadFile(filepath.Join(s.folder, name))
		if err != nil {
			s.t.Fatal(err)
		}
		files[name] = string(content)
	}
	return files
}

func (s *site) restoreSpecification(files map[string]string) {
	for name, content := range files {
		s.write(name, content)
	}
}

// TestOddNamesInClouds has a prefix with spaces and characters of other scripts.
func TestOddNamesInClouds(t *testing.T) {
	c := startClouds(t)
	s := newSite(t, c, "balanced", "", atDisk, atGCS, atAzure, atStrict)
	s.edit(s.prefix, "Cópias de segurança/漢字 #1? "+s.prefix)
	if code, said := s.command("apply", "-auto-approve", filepath.Join(s.folder, "due.hcl")); code != exitDone {
		t.Errorf("exit status %d: %s", code, said)
	}
	for _, address := range []string{atGCS, atAzure, atStrict} {
		target := filepath.Join(t.TempDir(), "restored")
		if code, said := s.command("restore", "-from", address, "-to-file", target, "latest", filepath.Join(s.folder, "calm.hcl")); code != exitDone {
			t.Errorf("%s: exit status %d: %s", address, code, said)
		}
		if restored, err := os.ReadFile(target); err != nil || string(restored) != s.data() {
			t.Errorf("%s: %d bytes, %v", address, len(restored), err)
		}
	}
	s.check(nil)
}

// TestOtherContentInClouds puts something else under the keys of a copy: it is found, and a good copy comes in its place.
func TestOtherContentInClouds(t *testing.T) {
	c := startClouds(t)
	for _, address := range []string{atGCS, atAzure, atStrict} {
		s := newSite(t, c, "fast", "", atDisk, address)
		s.healthy("due.hcl")
		_, world, _ := s.open("calm.hcl")
		for _, key := range s.names(address) {
			if strings.HasSuffix(key, state.ManifestSuffix) {
				continue
			}
			if _, err := providers.WriteObject(t.Context(), world.Destinations[address], key, []byte("other content"), true); err != nil {
				t.Fatal(err)
			}
		}
		code, said := s.command("plan", "-detailed-exitcode", filepath.Join(s.folder, "calm.hcl"))
		if code != exitChanges || !strings.Contains(said, "size 13 B, manifest says") || !strings.Contains(said, "copied again from "+atDisk) {
			t.Errorf("%s: exit status %d: %s", address, code, said)
		}
		s.mend("calm.hcl")
		s.check(nil)
	}
}
