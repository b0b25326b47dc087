package gcs

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/storage"

	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/internal/testenv/bucket"
	"github.com/castrolanda/imsctl/providers"
)

// says checks that an error is one of the contract's and names what it must.
func says(t *testing.T, how string, err, want error, parts ...string) {
	t.Helper()
	if err == nil || want != nil && !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", how, err, want)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %q does not say %q", how, err, part)
		}
	}
}

// store uploads an object and gives it up when that fails.
func store(t *testing.T, d *destination, key string, size int) error {
	t.Helper()
	upload, err := d.Create(t.Context(), key, providers.CreateOptions{})
	if err != nil {
		return err
	}
	data := content(size)
	if _, err = upload.Write(data); err == nil {
		_, _, err = commit(t, upload, data)
	}
	if err != nil {
		upload.Abort(t.Context())
	}
	return err
}

func TestMissingBucket(t *testing.T) {
	for name, endpoint := range map[string]string{"strict": newStrict(t).URL, "emulator": testenv.GCS(t)} {
		d := configured(t, &Config{Bucket: "no-such-bucket", Prefix: "ims", Endpoint: endpoint})
		d.chunkSize = 256 << 10
		_, err := d.Status(t.Context())
		says(t, name+": status", err, nil, "there is no bucket no-such-bucket", "buckets create")
		says(t, name+": list", d.List(t.Context(), "", nil), nil, "there is no bucket no-such-bucket")
		says(t, name+": small upload", store(t, d, "a", small), nil, "no-such-bucket", "bucket")
		says(t, name+": large upload", store(t, d, "a", large), nil, "no-such-bucket", "bucket")
	}
}

// TestPermissions takes one permission away after the other.
func TestPermissions(t *testing.T) {
	for permission, calls := range map[bucket.Permission]map[string]func(*destination, providers.Object) error{
		bucket.Write: {
			"small upload": func(d *destination, _ providers.Object) error { return store(t, d, "new", small) },
			"large upload": func(d *destination, _ providers.Object) error { return store(t, d, "new", large) },
		},
		bucket.List: {
			"status": func(d *destination, _ providers.Object) error { _, err := d.Status(t.Context()); return err },
			"list": func(d *destination, _ providers.Object) error {
				return d.List(t.Context(), "", func(providers.Object) error { return nil })
			},
			"create": func(d *destination, _ providers.Object) error { return store(t, d, "new", small) },
		},
		bucket.Read: {
			"open": func(d *destination, o providers.Object) error { _, err := d.Open(t.Context(), o.Key); return err },
			"stat": func(d *destination, o providers.Object) error { _, err := d.Stat(t.Context(), o.Key); return err },
		},
		bucket.Delete: {
			"delete": func(d *destination, o providers.Object) error { return d.Delete(t.Context(), o.Key, o.Version) },
		},
	} {
		s := newStrict(t)
		d := s.destination(t)
		object := put(t, d, "kept", content(small))
		s.Deny(permission)
		inWords := "storage.objects." + map[bucket.Permission]string{bucket.Write: "create", bucket.List: "list", bucket.Read: "get", bucket.Delete: "delete"}[permission]
		for name, call := range calls {
			says(t, inWords+": "+name, call(d, object), providers.ErrDenied, inWords, "on bucket "+strictBucket, "gs://"+strictBucket+"/a prefix/ção/")
		}
		if left := s.Names(); !slices.Equal(left, []string{d.prefix + "kept"}) {
			t.Errorf("without %s: %q", permission, left)
		}
	}
}

func TestCredentialsThatAreNotAccepted(t *testing.T) {
	s := newStrict(t)
	s.fail(testenv.GCSAnswer(401, "authError", "Invalid Credentials"), 0, nil)
	_, err := s.destination(t).Status(t.Context())
	says(t, "status", err, providers.ErrDenied, "credentials_file", "Invalid Credentials")
}

func TestProtectedObjects(t *testing.T) {
	for keptBy, protect := range map[string]func(*bucket.Object){
		"a temporary hold":           func(o *bucket.Object) { o.TemporaryHold = true },
		"its retention policy until": func(o *bucket.Object) { o.RetainedUntil = time.Now().Add(time.Hour) },
	} {
		s := newStrict(t)
		d := s.destination(t)
		object := put(t, d, "object", content(small))
		s.Change(d.prefix+"object", protect)
		found, err := d.Stat(t.Context(), "object")
		if err != nil || !strings.HasPrefix(found.KeptBy, keptBy) || found.Version != object.Version || !found.Modified.Equal(object.Modified) {
			t.Errorf("Stat says %+v, %v", found, err)
		}
		says(t, keptBy, d.Delete(t.Context(), "object", object.Version), providers.ErrProtected, keptBy)
		upload, err := begin(t, d, "object", content(small), providers.CreateOptions{Replace: true})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = commit(t, upload, content(small))
		says(t, "replacing", err, providers.ErrProtected)
		if err := upload.Abort(t.Context()); err != nil {
			t.Error(err)
		}
		if len(s.Names()) != 1 {
			t.Error("the object is gone")
		}
	}
}

// TestProtectionThatOnlyTheStoreKnows takes the answer of the deletion itself.
func TestProtectionThatOnlyTheStoreKnows(t *testing.T) {
	s := newStrict(t)
	d := s.destination(t)
	object := put(t, d, "object", content(small))
	s.beforeDeletion(func() { s.Change(d.prefix+"object", func(o *bucket.Object) { o.TemporaryHold = true }) })
	says(t, "delete", d.Delete(t.Context(), "object", object.Version), providers.ErrProtected, "active Temporary hold")
}

// TestChangeBetweenLookAndDeletion relies on the precondition of the deletion.
func TestChangeBetweenLookAndDeletion(t *testing.T) {
	s := newStrict(t)
	d := s.destination(t)
	object := put(t, d, "object", content(small))
	s.beforeDeletion(func() { s.Change(d.prefix+"object", func(o *bucket.Object) { o.Generation++ }) })
	says(t, "delete", d.Delete(t.Context(), "object", object.Version), providers.ErrChanged)
	if len(s.Names()) != 1 {
		t.Error("the object is gone")
	}
}

// TestForeignObjects works beside 2,000 objects of others.
func TestForeignObjects(t *testing.T) {
	s := newStrict(t)
	d := s.destination(t)
	for i := range 500 {
		for _, name := range []string{"a prefix/ção-%d", "a prefix/ç/%d", "a prefix/ção/folder %d/", "a prefix/ção/é%d"} {
			name = fmt.Sprintf(name, i)
			if _, err := s.Put(name, nil, nil, bucket.Conditions{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := s.Names()
	object := put(t, d, "ours", content(small))
	var listed []string
	if err := d.List(t.Context(), "", func(o providers.Object) error { listed = append(listed, o.Key); return nil }); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(listed, []string{"ours"}) {
		t.Errorf("List shows %d objects: %q", len(listed), listed[:min(3, len(listed))])
	}
	if err := d.Delete(t.Context(), "ours", object.Version); err != nil {
		t.Error(err)
	}
	if after := s.Names(); !slices.Equal(before, after) {
		t.Errorf("%d objects of others were there, %d are now", len(before), len(after))
	}
}

// TestListingThatBreaks must not look like a short one.
func TestListingThatBreaks(t *testing.T) {
	s := newStrict(t)
	d := s.destination(t)
	s.SetPageSize(2)
	for _, key := range []string{"a", "b", "c"} {
		put(t, d, key, nil)
	}
	s.fail(testenv.Reset(), 0, func(r *http.Request) bool { return r.URL.Query().Get("pageToken") != "" })
	says(t, "list", d.List(t.Context(), "", func(providers.Object) error { return nil }), providers.ErrTemporary, "listing gs://")
}

func TestStatusTellsTimeAndRules(t *testing.T) {
	s := newStrict(t)
	d := s.destination(t)
	s.SetRules(map[string]any{"retentionPolicy": map[string]any{"retentionPeriod": "86400", "effectiveTime": "2026-01-01T00:00:00Z"},
		"softDeletePolicy": map[string]any{"retentionDurationSeconds": "604800"},
		"lifecycle": map[string]any{"rule": []any{
			map[string]any{"action": map[string]any{"type": "Delete"}, "condition": map[string]any{"age": 30}},
			map[string]any{"action": map[string]any{"type": "Delete"}, "condition": map[string]any{"age": 5, "matchesPrefix": []string{"elsewhere/"}}},
		}}})
	status, err := d.Status(t.Context())
	if err != nil || status.Rules == nil || status.Free != -1 {
		t.Fatalf("%+v, %v", status, err)
	}
	if away := time.Since(status.Time); away < -time.Minute || away > time.Minute {
		t.Errorf("the store's time is %s", status.Time)
	}
	if want := (providers.Rules{DeleteAfter: 30 * 24 * time.Hour, KeepFor: 24 * time.Hour, SoftDelete: 7 * 24 * time.Hour}); *status.Rules != want {
		t.Errorf("the rules are %+v", status.Rules)
	}
	s.Deny(bucket.Rules)
	if status, err := d.Status(t.Context()); err != nil || status.Rules != nil || status.Time.IsZero() {
		t.Errorf("rules that may not be read: %+v, %v", status, err)
	}
}

func TestRulesThatDelete(t *testing.T) {
	for name, test := range map[string]struct {
		condition storage.LifecycleCondition
		deletes   bool
	}{
		"by age":                 {storage.LifecycleCondition{AgeInDays: 1}, true},
		"everything":             {storage.LifecycleCondition{AllObjects: true}, true},
		"our prefix":             {storage.LifecycleCondition{AgeInDays: 1, MatchesPrefix: []string{"ims/data"}}, true},
		"a prefix around ours":   {storage.LifecycleCondition{AgeInDays: 1, MatchesPrefix: []string{"im"}}, true},
		"another prefix":         {storage.LifecycleCondition{AgeInDays: 1, MatchesPrefix: []string{"ims-old/"}}, false},
		"old generations":        {storage.LifecycleCondition{AgeInDays: 1, Liveness: storage.Archived}, false},
		"many newer generations": {storage.LifecycleCondition{AgeInDays: 1, NumNewerVersions: 2}, false},
		"a time of others":       {storage.LifecycleCondition{DaysSinceCustomTime: 3}, false},
	} {
		_, deletes := deletesAfter(storage.LifecycleRule{Action: storage.LifecycleAction{Type: storage.DeleteAction}, Condition: test.condition}, "ims/")
		if deletes != test.deletes {
			t.Errorf("%s: %v", name, deletes)
		}
	}
}

func TestInvalidConfigurations(t *testing.T) {
	for _, test := range []struct {
		config    Config
		attribute string
	}{
		{Config{Bucket: "Ims Backups"}, "bucket"},
		{Config{Bucket: "ims", Prefix: "a//b"}, "prefix"},
		{Config{Bucket: "ims", Prefix: "/a"}, "prefix"},
		{Config{Bucket: "ims", Prefix: "a/"}, "prefix"},
		{Config{Bucket: "ims", Prefix: "a/../b"}, "prefix"},
		{Config{Bucket: "ims", Prefix: "a\nb"}, "prefix"},
		{Config{Bucket: "ims", Prefix: "a\xff"}, "prefix"},
		{Config{Bucket: "ims", Prefix: strings.Repeat("é", 300)}, "prefix"},
		{Config{Bucket: "ims", Endpoint: "storage.example.org"}, "endpoint"},
		{Config{Bucket: "ims", Endpoint: "ftp://storage.example.org"}, "endpoint"},
		{Config{Bucket: "ims", Endpoint: "http://storage.example.org"}, "endpoint"},
		{Config{Bucket: "ims", Endpoint: "http://127.0.0.1.example.org"}, "endpoint"},
		{Config{Bucket: "ims", Endpoint: "https://me:secret@storage.example.org"}, "endpoint"},
		{Config{Bucket: "ims", Endpoint: "http://localhost:4443", CredentialsFile: "key.json"}, "credentials_file"},
	} {
		problems := test.config.Validate()
		if len(problems) != 1 || problems[0].Attribute != test.attribute {
			t.Errorf("%+v: %+v", test.config, problems)
		}
		if strings.Contains(fmt.Sprint(problems), "secret") {
			t.Errorf("a secret is shown: %+v", problems)
		}
	}
	for _, valid := range []Config{{Bucket: "ims"}, {Bucket: "ims", Prefix: "Cópias de segurança/漢字"}, {Bucket: "ims", Endpoint: "https://storage.example.org", CredentialsFile: "key.json"},
		{Bucket: "ims", Endpoint: "http://[::1]:4443"}} {
		if problems := valid.Validate(); len(problems) != 0 {
			t.Errorf("%+v: %+v", valid, problems)
		}
	}
}
