package bucket

import (
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// GCS serves a store in the words of the part of Cloud Storage's JSON interface that destinations use.
type GCS struct {
	*Store
	// URL is the server's endpoint, Bucket the one bucket that it has.
	URL, Bucket string

	server *httptest.Server

	mu       sync.Mutex
	pageSize int
	rules    map[string]any
	finished map[string]string // names of objects by the ids of their uploads
}

// ServeGCS serves a store until the test ends.
func ServeGCS(t testing.TB, of *Store, bucket string) *GCS {
	g := &GCS{Store: of, Bucket: bucket, pageSize: 100, rules: map[string]any{}, finished: make(map[string]string)}
	g.server = httptest.NewServer(g)
	g.URL = g.server.URL
	t.Cleanup(g.server.Close)
	return g
}

// SetRules sets attributes of the bucket, as in its JSON; SetPageSize how many objects a listing shows at a time.
func (g *GCS) SetRules(rules map[string]any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rules = rules
}

// SetPageSize sets how many objects a listing shows at a time.
func (g *GCS) SetPageSize(size int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pageSize = size
}

// answer is what the store says in HTTP.
type answer struct {
	status          int
	reason, message string
}

// Error implements error.
func (a *answer) Error() string { return a.message }

// permissions are the store's in the words of IAM.
var permissions = map[Permission]string{Write: "create", List: "list", Delete: "delete", Read: "get"}

// inWords turns a refusal of the store into what Cloud Storage says.
func (g *GCS) inWords(name string, err error) *answer {
	var said *answer
	var denied *Denied
	switch {
	case errors.As(err, &said):
		return said
	case errors.As(err, &denied):
		permission := "storage.buckets.get"
		if verb, ok := permissions[denied.Permission]; ok {
			permission = "storage.objects." + verb
		}
		return &answer{403, "forbidden", "robot@project does not have " + permission + " access to the Google Cloud Storage bucket."}
	case errors.Is(err, ErrNotExist):
		return &answer{404, "notFound", "No such object: " + g.Bucket + "/" + name}
	case errors.Is(err, ErrPrecondition):
		return &answer{412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."}
	case errors.Is(err, ErrKept) && strings.Contains(err.Error(), "hold"):
		return &answer{403, "forbidden", "Object '" + name + "': " + err.Error()}
	case errors.Is(err, ErrKept):
		return &answer{403, "retentionPolicyNotMet", "Object '" + name + "': " + err.Error()}
	}
	return &answer{400, "invalid", err.Error()}
}

// ServeHTTP implements http.Handler.
func (g *GCS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Date", g.Now().Format(http.TimeFormat))
	name, said, err := g.serve(w.Header(), r)
	part, isPart := said.(partial)
	switch data, isData := said.([]byte); {
	case err == nil && isPart:
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", part.from, len(part.data)-1, len(part.data)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(part.data[part.from:])
	case err != nil:
		refusal := g.inWords(name, err)
		w.WriteHeader(refusal.status)
		_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": refusal.status, "message": refusal.message,
			"errors": []any{map[string]any{"reason": refusal.reason, "message": refusal.message}}}})
	case said == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		if !isData {
			w.Header().Set("Content-Type", "application/json")
			data, _ = json.Marshal(said)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data)
	}
}

// serve carries out a request on an object, or on the bucket when name is empty.
func (g *GCS) serve(header http.Header, r *http.Request) (name string, said any, err error) {
	path := r.URL.EscapedPath()
	upload := strings.HasPrefix(path, "/upload")
	rest, known := strings.CutPrefix(strings.TrimPrefix(path, "/upload"), "/storage/v1/b/"+g.Bucket)
	if !known || rest != "" && rest[0] != '/' {
		return "", nil, &answer{404, "notFound", "The specified bucket does not exist."}
	}
	name, _ = url.PathUnescape(strings.TrimPrefix(rest, "/o/"))
	switch query := r.URL.Query(); {
	case upload && query.Get("upload_id") != "":
		said, err = g.chunk(header, r)
	case upload && query.Get("uploadType") == "resumable":
		said, err = g.begin(header, r)
	case upload:
		said, err = g.single(r)
	case rest == "":
		said, err = g.bucket()
	case rest == "/o":
		said, err = g.list(query)
	case r.Method == http.MethodDelete:
		return name, nil, g.Delete(name, conditions(query))
	default:
		said, err = g.get(header, name, r)
	}
	return name, said, err
}

// bucket describes the bucket.
func (g *GCS) bucket() (any, error) {
	if err := g.Need(Rules); err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	described := map[string]any{"name": g.Bucket}
	for key, value := range g.rules {
		described[key] = value
	}
	return described, nil
}

func (g *GCS) list(query url.Values) (any, error) {
	g.mu.Lock()
	size := g.pageSize
	g.mu.Unlock()
	if n, err := strconv.Atoi(query.Get("maxResults")); err == nil {
		size = min(size, n)
	}
	page, more, err := g.List(query.Get("prefix"), query.Get("pageToken"), size)
	if err != nil {
		return nil, err
	}
	items := make([]any, len(page))
	for i, object := range page {
		items[i] = g.describe(object)
	}
	listing := map[string]any{"items": items}
	if more {
		listing["nextPageToken"] = page[len(page)-1].Name
	}
	return listing, nil
}

func (g *GCS) get(header http.Header, name string, r *http.Request) (any, error) {
	object, err := g.Get(name)
	if err != nil {
		return nil, err
	}
	if wanted := r.URL.Query().Get("generation"); wanted != "" && wanted != strconv.FormatInt(object.Generation, 10) {
		return nil, ErrNotExist
	}
	if r.URL.Query().Get("alt") != "media" {
		return g.describe(object), nil
	}
	header.Set("X-Goog-Generation", strconv.FormatInt(object.Generation, 10))
	header.Set("X-Goog-Hash", "crc32c="+encoded(object.CRC32C))
	return ranged(object.Data, r.Header.Get("Range"))
}

// partial is the end of an object.
type partial struct {
	data []byte
	from int
}

// ranged is what a request wants of an object: all of it, or all from a byte on.
func ranged(data []byte, span string) (any, error) {
	if span == "" {
		return data, nil
	}
	from, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(span, "bytes="), "-"))
	if err != nil || from < 0 {
		return nil, &answer{400, "invalid", "only ranges to the end are served, not " + span}
	}
	if from >= len(data) && from > 0 {
		return nil, &answer{416, "requestedRangeNotSatisfiable", "the object has " + strconv.Itoa(len(data)) + " bytes"}
	}
	return partial{data, from}, nil
}

// conditions are the preconditions of a request.
func conditions(query url.Values) Conditions {
	wanted := query.Get("ifGenerationMatch")
	generation, err := strconv.ParseInt(wanted, 10, 64)
	return Conditions{Absent: err == nil && generation == 0, Generation: generation}
}

// describe is an object in JSON.
func (g *GCS) describe(o Object) map[string]any {
	described := map[string]any{"name": o.Name, "bucket": g.Bucket, "size": strconv.Itoa(len(o.Data)), "etag": o.ETag(),
		"generation": strconv.FormatInt(o.Generation, 10), "metageneration": strconv.FormatInt(o.Metageneration, 10),
		"timeCreated": o.Created.UTC().Format(time.RFC3339Nano), "updated": g.Now().Format(time.RFC3339Nano),
		"crc32c": encoded(o.CRC32C), "metadata": o.Metadata, "temporaryHold": o.TemporaryHold}
	sum := md5.Sum(o.Data)
	described["md5Hash"] = base64.StdEncoding.EncodeToString(sum[:])
	if !o.RetainedUntil.IsZero() {
		described["retentionExpirationTime"] = o.RetainedUntil.UTC().Format(time.RFC3339Nano)
	}
	return described
}

// encoded is a checksum as Cloud Storage writes it.
func encoded(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}
