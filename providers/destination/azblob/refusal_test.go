package azblob

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/blob"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/lease"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/sas"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
)

// signed is a destination as the owner of a shared access signature sees it.
func signed(t *testing.T, d *destination, permissions string, end time.Time) *destination {
	t.Helper()
	access := d.connection.Access
	key, err := blob.NewSharedKeyCredential(access.Account, access.Key)
	if err != nil {
		t.Fatal(err)
	}
	values := sas.BlobSignatureValues{Protocol: sas.ProtocolHTTPSandHTTP, ExpiryTime: end, ContainerName: d.container, Permissions: permissions}
	query, err := values.SignWithSharedKey(key)
	if err != nil {
		t.Fatal(err)
	}
	other := configured(t, &Config{Account: access.Account, Container: d.container, Prefix: strings.TrimSuffix(d.prefix, "/"), Endpoint: access.Service, SAS: "?" + query.Encode()})
	other.blockSize = d.blockSize
	return other
}

// calls are one of each kind, on an object that is there and one that is not.
func calls(t *testing.T, d *destination, object providers.Object) map[string]func() error {
	return map[string]func() error{
		"status": func() error { _, err := d.Status(t.Context()); return err },
		"list":   func() error { return d.List(t.Context(), "", func(providers.Object) error { return nil }) },
		"stat":   func() error { _, err := d.Stat(t.Context(), object.Key); return err },
		"open":   func() error { _, err := d.Open(t.Context(), object.Key); return err },
		"small":  func() error { _, err := store(t, d, "small", content(small), providers.CreateOptions{}); return err },
		"large":  func() error { _, err := store(t, d, "large", content(large), providers.CreateOptions{}); return err },
		"delete": func() error { return d.Delete(t.Context(), object.Key, object.Version) },
	}
}

// secrets checks that an error has none of a destination's.
func secrets(t *testing.T, d *destination, err error) {
	t.Helper()
	access := d.connection.Access
	values, _ := url.ParseQuery(access.SAS)
	for _, secret := range []string{access.Key, values.Get("sig"), url.QueryEscape(values.Get("sig"))} {
		if err != nil && secret != "" && strings.Contains(err.Error(), secret) {
			t.Errorf("%q has a secret", err)
		}
	}
}

func TestMissingContainer(t *testing.T) {
	azurite := testenv.Azurite(t)
	d := configured(t, &Config{Account: azurite.Account, Key: azurite.Key, Endpoint: azurite.Endpoint, Container: "no-such-container"})
	d.blockSize = 64 << 10
	for name, call := range calls(t, d, providers.Object{Key: "object", Version: "1"}) {
		err := call()
		says(t, name, err, nil, "there is no container no-such-container", "az storage container create")
	}
}

// TestPermissions takes one permission away after the other.
func TestPermissions(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	for permissions, want := range map[string]map[string]string{
		"rdl":   {"small": "create and write (c, w)", "large": "create and write (c, w)"},
		"rcwd":  {"status": "list (l)", "list": "list (l)"},
		"cwdl":  {"stat": "read (r)", "open": "read (r)", "small": "read (r)", "large": "read (r)", "delete": "read (r)"},
		"rcwl":  {"delete": "delete (d)"},
		"rcwdl": {},
	} {
		d := u.destination(t)
		object, err := store(t, d, "object", content(small), providers.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		restricted := signed(t, d, permissions, time.Now().Add(time.Hour))
		for name, call := range calls(t, restricted, object) {
			if want[name] == "" {
				continue
			}
			err := call()
			says(t, permissions+": "+name, err, providers.ErrDenied, want[name], "Storage Blob Data Contributor")
			secrets(t, restricted, err)
		}
		if want["delete"] != "" || want["small"] != "" {
			expect(t, d, map[string][]byte{"object": content(small)})
		}
		if permissions == "rcwdl" {
			for _, name := range []string{"status", "list", "stat", "open", "small", "large", "delete"} {
				if err := calls(t, restricted, object)[name](); err != nil {
					t.Errorf("with all permissions: %s: %v", name, err)
				}
			}
		}
	}
}

func TestCredentialsThatAreNotAccepted(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	d := u.destination(t)
	expired := signed(t, d, "rcwdl", time.Now().Add(-time.Hour))
	wrongKey := again(t, d).(*destination)
	wrongKey.connection.Access.Key = encode([]byte("another key"))
	wrongSAS := signed(t, d, "rcwdl", time.Now().Add(time.Hour))
	wrongSAS.connection.Access.SAS = strings.ReplaceAll(wrongSAS.connection.Access.SAS, "sp=rcwdl", "sp=racwdl")
	for name, test := range map[string]struct {
		d    *destination
		says string
	}{
		"an expired signature": {expired, "the shared access signature expired at 2"},
		"a wrong key":          {wrongKey, "the store does not accept the account key"},
		"a wrong signature":    {wrongSAS, "the store does not accept the shared access signature"},
	} {
		for call, run := range calls(t, test.d, providers.Object{Key: "object", Version: "1"}) {
			err := run()
			says(t, name+": "+call, err, providers.ErrDenied, test.says)
			secrets(t, test.d, err)
		}
	}
}

// TestUnreachableStore has the signature in the addresses that the client's errors show.
func TestUnreachableStore(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	d := signed(t, u.destination(t), "rcwdl", time.Now().Add(time.Hour))
	u.Close()
	for name, call := range calls(t, d, providers.Object{Key: "object", Version: "1"}) {
		err := call()
		says(t, name, err, providers.ErrTemporary)
		secrets(t, d, err)
	}
}

func TestObjectThatIsThere(t *testing.T) {
	d := newUnreliable(t, testenv.Azurite(t)).destination(t)
	if _, err := store(t, d, "object", []byte("other content"), providers.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{small, large} {
		_, err := store(t, d, "object", content(size), providers.CreateOptions{})
		says(t, "over an object", err, providers.ErrExists, "object")
	}
	expect(t, d, map[string][]byte{"object": []byte("other content")})
}

// TestProtectedObjects has the cloud's rules told by answers that Azurite does not know.
func TestProtectedObjects(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	until := time.Now().Add(24 * time.Hour).UTC()
	for keptBy, rule := range map[string]struct{ header, value, element string }{
		"a legal hold": {"x-ms-legal-hold", "true", "<LegalHold>true</LegalHold>"},
		"its immutability policy until " + until.Format("2006-01-02 15:04 MST"): {"x-ms-immutability-policy-until-date", until.Format(http.TimeFormat),
			"<ImmutabilityPolicyUntilDate>" + until.Format(http.TimeFormat) + "</ImmutabilityPolicyUntilDate>"},
	} {
		d := u.destination(t)
		object, err := store(t, d, "object", content(small), providers.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var protected atomic.Bool
		u.fail(testenv.AzureAnswer(409, "BlobImmutableDueToPolicy"), 0, func(r *http.Request) bool { return isDeletion(r) || isMaking(r) })
		telling := testenv.Altered(func(r *http.Response) {
			if r.Request.Method == http.MethodHead {
				r.Header.Set(rule.header, rule.value)
			}
			insert(r, "<BlobType>", rule.element)
		})
		u.fail(telling, 0, func(*http.Request) bool { return protected.Load() })
		says(t, "delete, by the store's answer", d.Delete(t.Context(), "object", object.Version), providers.ErrProtected, "BlobImmutableDueToPolicy")
		for _, size := range []int{small, large} {
			_, err = store(t, d, "object", content(size), providers.CreateOptions{Replace: true})
			says(t, "replace", err, providers.ErrProtected)
		}
		protected.Store(true)
		says(t, "delete", d.Delete(t.Context(), "object", object.Version), providers.ErrProtected, keptBy)
		found, err := d.Stat(t.Context(), "object")
		if err != nil || found.KeptBy != keptBy {
			t.Errorf("Stat says %+v, %v", found, err)
		}
		err = d.List(t.Context(), "", func(listed providers.Object) error {
			if listed != found {
				return fmt.Errorf("List says %+v", listed)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		u.Heal()
		expect(t, d, map[string][]byte{"object": content(small)})
	}
}

// TestLeasesAndSnapshots are Azurite's own.
func TestLeasesAndSnapshots(t *testing.T) {
	d := newUnreliable(t, testenv.Azurite(t)).destination(t)
	for _, key := range []string{"leased", "with a snapshot"} {
		if _, err := store(t, d, key, content(small), providers.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		client, err := d.blob(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if key != "leased" {
			_, err = client.BlobClient().CreateSnapshot(t.Context(), nil)
		} else if made, makeErr := lease.NewBlobClient(client, nil); makeErr != nil {
			err = makeErr
		} else {
			_, err = made.AcquireLease(t.Context(), 60, nil)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	found, err := d.Stat(t.Context(), "leased")
	if err != nil || found.KeptBy != "a lease that somebody holds" {
		t.Errorf("Stat says %+v, %v", found, err)
	}
	says(t, "leased", d.Delete(t.Context(), "leased", found.Version), providers.ErrProtected, "lease")
	says(t, "leased, by the store's answer", d.removeVersion(t.Context(), "leased", quoted(found.Version)), providers.ErrProtected, "az storage blob lease break")
	found, err = d.Stat(t.Context(), "with a snapshot")
	if err != nil {
		t.Fatal(err)
	}
	says(t, "with a snapshot", d.Delete(t.Context(), "with a snapshot", found.Version), nil, "snapshots", "delete them first")
	expect(t, d, map[string][]byte{"leased": content(small), "with a snapshot": content(small)})
}

// TestChangeBetweenLookAndDeletion relies on the precondition of the deletion.
func TestChangeBetweenLookAndDeletion(t *testing.T) {
	d := newUnreliable(t, testenv.Azurite(t)).destination(t)
	old, err := store(t, d, "object", content(small), providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store(t, d, "object", []byte("new"), providers.CreateOptions{Replace: true}); err != nil {
		t.Fatal(err)
	}
	says(t, "the request itself", d.removeVersion(t.Context(), "object", quoted(old.Version)), providers.ErrChanged)
	expect(t, d, map[string][]byte{"object": []byte("new")})
}

// TestForeignBlobs works beside 2,000 blobs of others.
func TestForeignBlobs(t *testing.T) {
	d := newUnreliable(t, testenv.Azurite(t)).destination(t)
	_, blobs, err := d.connection.Clients(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range 500 {
		for _, name := range []string{"a prefix/ção-%d", "a prefix/ç/%d", "a prefix/ção/folder %d//x", "a prefix/ção/é%d"} {
			names = append(names, fmt.Sprintf(name, i))
		}
	}
	for _, name := range names {
		if _, err := blobs.NewBlockBlobClient(name).UploadBuffer(t.Context(), []byte("a stranger's"), nil); err != nil {
			t.Fatal(err)
		}
	}
	object, err := store(t, d, "ours", content(small), providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	expect(t, d, map[string][]byte{"ours": content(small)})
	if err := d.Delete(t.Context(), "ours", object.Version); err != nil {
		t.Fatal(err)
	}
	expect(t, d, nil)
	var left []string
	for pages := blobs.NewListBlobsFlatPager(nil); pages.More(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Segment.BlobItems {
			left = append(left, *item.Name)
		}
	}
	slices.Sort(names)
	slices.Sort(left)
	if !slices.Equal(left, names) {
		t.Errorf("of %d foreign blobs %d are left", len(names), len(left))
	}
}

func TestStatusTellsTimeAndRules(t *testing.T) {
	u := newUnreliable(t, testenv.Azurite(t))
	d := u.destination(t)
	u.fail(testenv.Altered(func(r *http.Response) {
		r.Header.Set("Date", "Wed, 01 Jul 2026 10:00:00 GMT")
		if r.Request.URL.Query().Get("comp") == "properties" {
			replaceBody(r, "<StorageServiceProperties><DeleteRetentionPolicy><Enabled>true</Enabled><Days>7</Days></DeleteRetentionPolicy></StorageServiceProperties>")
		}
	}), 0, nil)
	status, err := d.Status(t.Context())
	if err != nil || status.Free != -1 || !status.Time.Equal(time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC)) ||
		status.Rules == nil || *status.Rules != (providers.Rules{SoftDelete: 7 * 24 * time.Hour}) {
		t.Errorf("%+v, %+v, %v", status, status.Rules, err)
	}
	status, err = signed(t, d, "rcwdl", time.Now().Add(time.Hour)).Status(t.Context())
	if err != nil || status.Rules != nil {
		t.Errorf("with rights on the container alone: %+v, %v", status, err)
	}
	u.Heal()
	for header, keeps := range map[string]string{"x-ms-has-legal-hold": "a legal hold", "x-ms-has-immutability-policy": "an immutability policy"} {
		u.fail(testenv.Altered(func(r *http.Response) {
			if r.Request.URL.Query().Get("restype") == "container" && r.Request.URL.Query().Get("comp") == "" {
				r.Header.Set(header, "true")
			}
		}), 0, nil)
		status, err = d.Status(t.Context())
		if err != nil || status.Rules == nil || status.Rules.Keeps != keeps {
			t.Errorf("%s: %+v, %v", header, status.Rules, err)
		}
		u.Heal()
	}
	u.fail(busy(), 1, func(r *http.Request) bool { return r.URL.Query().Get("comp") == "properties" })
	_, err = d.Status(t.Context())
	says(t, "a store that is busy", err, providers.ErrTemporary)
}
