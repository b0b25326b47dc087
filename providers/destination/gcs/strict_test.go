package gcs

import (
	"bytes"
	"crypto/md5"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// stored is an object of a strict server.
type stored struct {
	name           string
	data           []byte
	generation     int64
	created        time.Time
	metadata       map[string]string
	temporaryHold  bool
	retainedUntil  time.Time
	crc            uint32
	md5            [16]byte
	composedOfMany bool // such objects have no MD5
}

// pending is a resumable upload.
type pending struct {
	object     *stored
	conditions url.Values
	finished   bool
}

// strict is a server with the part of Cloud Storage's interface that the destination uses. It is as strict as the cloud where
// emulators are not: every precondition, checksum, hold, retention, permission and order of chunks counts.
type strict struct {
	*httptest.Server
	pageSize int

	mu         sync.Mutex
	rules      map[string]any // the bucket's own attributes
	objects    map[string]*stored
	sessions   map[string]*pending
	generation int64
	denied     map[string]bool              // permissions that nobody has
	before     func(*http.Request) *failure // what goes wrong with a request before it is looked at
	after      func(*http.Request) bool     // whether the answer to a request that was carried out is lost
	corrupt    func(data []byte)            // what happens to the bytes of an object when it is made
	requests   []string
}

// failure is an answer that the store did not mean to give, or a reset where there is no status.
type failure struct {
	status          int
	reason, message string
}

func (f *failure) Error() string { return f.message }

const strictBucket = "strict-bucket"

func newStrict(t *testing.T) *strict {
	s := &strict{pageSize: 100, objects: make(map[string]*stored), sessions: make(map[string]*pending), denied: make(map[string]bool), generation: 1000,
		rules: map[string]any{"name": strictBucket}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// destination is the bucket with a chunk that is as small as the store allows.
func (s *strict) destination(t *testing.T) *destination {
	d := configured(t, &Config{Bucket: strictBucket, Prefix: "a prefix/ção", Endpoint: s.URL})
	d.chunkSize = 256 << 10
	return d
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := s.locked(w.Header(), r)
	var failed *failure
	switch {
	case errors.As(err, &failed) && failed.status == 0:
		panic(http.ErrAbortHandler)
	case errors.As(err, &failed):
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(failed.status)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": failed.status, "message": failed.message,
			"errors": []any{map[string]any{"reason": failed.reason, "message": failed.message}}}})
	case answer == nil:
		w.WriteHeader(http.StatusNoContent)
	default:
		data, isData := answer.([]byte)
		if !isData {
			w.Header().Set("Content-Type", "application/json")
			data, _ = json.Marshal(answer)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data)
	}
}

// locked carries out a request, unless something goes wrong before. Its answer may be lost.
func (s *strict) locked(header http.Header, r *http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path+" "+r.URL.RawQuery)
	if s.before != nil {
		if failed := s.before(r); failed != nil {
			if upload := s.sessions[r.URL.Query().Get("upload_id")]; upload != nil && failed.status == 0 && r.ContentLength > 0 {
				half, _ := io.ReadAll(io.LimitReader(r.Body, r.ContentLength/2))
				upload.take(r.Header.Get("Content-Range"), half)
			}
			return nil, failed
		}
	}
	answer, err := s.serve(header, r)
	if err == nil && s.after != nil && s.after(r) {
		return nil, &failure{}
	}
	return answer, err
}

// need refuses where a permission is missing.
func (s *strict) need(permission string) error {
	if s.denied[permission] {
		return &failure{403, "forbidden", "robot@project does not have " + permission + " access to the Google Cloud Storage bucket."}
	}
	return nil
}

func (s *strict) serve(header http.Header, r *http.Request) (any, error) {
	path := r.URL.EscapedPath()
	upload := strings.HasPrefix(path, "/upload")
	rest, known := strings.CutPrefix(strings.TrimPrefix(path, "/upload"), "/storage/v1/b/"+strictBucket)
	if !known {
		return nil, &failure{404, "notFound", "The specified bucket does not exist."}
	}
	name, _ := url.PathUnescape(strings.TrimPrefix(rest, "/o/"))
	switch query := r.URL.Query(); {
	case upload && query.Get("upload_id") != "":
		return s.chunk(header, r)
	case upload && query.Get("uploadType") == "resumable":
		return s.begin(header, r)
	case upload:
		return s.single(r)
	case rest == "":
		return s.rules, s.need("storage.buckets.get")
	case rest == "/o":
		return s.list(query)
	case r.Method == http.MethodDelete:
		return nil, s.delete(name, query)
	default:
		return s.get(header, name, r)
	}
}

func (s *strict) list(query url.Values) (any, error) {
	size := s.pageSize
	if n, err := strconv.Atoi(query.Get("maxResults")); err == nil {
		size = min(size, n)
	}
	var items []any
	for _, name := range slices.Sorted(maps.Keys(s.objects)) {
		if !strings.HasPrefix(name, query.Get("prefix")) || name <= query.Get("pageToken") {
			continue
		}
		if len(items) == size {
			return map[string]any{"items": items, "nextPageToken": items[size-1].(map[string]any)["name"]}, s.need("storage.objects.list")
		}
		items = append(items, s.objects[name].describe())
	}
	return map[string]any{"items": items}, s.need("storage.objects.list")
}

func (s *strict) get(header http.Header, name string, r *http.Request) (any, error) {
	if err := s.need("storage.objects.get"); err != nil {
		return nil, err
	}
	object := s.objects[name]
	if object == nil {
		if err := s.need("storage.objects.list"); err != nil {
			return nil, err // whoever may not list is not told what there is not
		}
		return nil, &failure{404, "notFound", "No such object: " + strictBucket + "/" + name}
	}
	if wanted := r.URL.Query().Get("generation"); wanted != "" && wanted != strconv.FormatInt(object.generation, 10) {
		return nil, &failure{404, "notFound", "No such object: " + strictBucket + "/" + name}
	}
	if r.URL.Query().Get("alt") != "media" {
		return object.describe(), nil
	}
	header.Set("X-Goog-Generation", strconv.FormatInt(object.generation, 10))
	header.Set("X-Goog-Hash", "crc32c="+encoded(object.crc))
	return object.data, nil
}

func (s *strict) delete(name string, query url.Values) error {
	object := s.objects[name]
	if object == nil {
		return &failure{404, "notFound", "No such object: " + strictBucket + "/" + name}
	}
	if err := s.need("storage.objects.delete"); err != nil {
		return err
	}
	if err := s.check(name, query); err != nil {
		return err
	}
	if object.temporaryHold {
		return &failure{403, "forbidden", "Object '" + name + "' is under active Temporary hold and cannot be deleted, overwritten or archived until hold is removed."}
	}
	if object.retainedUntil.After(time.Now()) {
		return &failure{403, "retentionPolicyNotMet", "Object '" + name + "' cannot be deleted or overwritten until " + object.retainedUntil.String()}
	}
	delete(s.objects, name)
	return nil
}

// check holds preconditions against what is there.
func (s *strict) check(name string, conditions url.Values) error {
	wanted := conditions.Get("ifGenerationMatch")
	there := "0"
	if object := s.objects[name]; object != nil {
		there = strconv.FormatInt(object.generation, 10)
	}
	if wanted != "" && wanted != there {
		return &failure{412, "conditionNotMet", "At least one of the pre-conditions you specified did not hold."}
	}
	return nil
}

// description is what an upload begins with.
type description struct {
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata"`
	CRC32C   string            `json:"crc32c"`
}

// begin opens a session.
func (s *strict) begin(header http.Header, r *http.Request) (any, error) {
	var described description
	if err := json.NewDecoder(r.Body).Decode(&described); err != nil {
		return nil, &failure{400, "invalid", err.Error()}
	}
	if err := s.need("storage.objects.create"); err != nil {
		return nil, err
	}
	if err := s.check(described.Name, r.URL.Query()); err != nil {
		return nil, err
	}
	id := "secret-session-" + strconv.Itoa(len(s.sessions))
	s.sessions[id] = &pending{object: &stored{name: described.Name, metadata: described.Metadata}, conditions: r.URL.Query()}
	header.Set("Location", s.URL+"/upload/storage/v1/b/"+strictBucket+"/o?uploadType=resumable&upload_id="+id)
	return map[string]any{}, nil
}

// take appends the bytes of a chunk that are new, and returns the offset of the end of all, -1 where that is not known.
func (p *pending) take(contentRange string, data []byte) (end int64, err error) {
	span, total, _ := strings.Cut(strings.TrimPrefix(contentRange, "bytes "), "/")
	have := int64(len(p.object.data))
	if span != "*" {
		first, _, _ := strings.Cut(span, "-")
		start, err := strconv.ParseInt(first, 10, 64)
		if err != nil || start > have {
			return 0, &failure{400, "invalid", fmt.Sprintf("chunk %q, there are %d bytes", contentRange, have)}
		}
		p.object.data = append(p.object.data, data[min(have-start, int64(len(data))):]...)
	}
	if total == "*" {
		return -1, nil
	}
	return strconv.ParseInt(total, 10, 64)
}

// chunk takes one part of a session, and makes the object with the last.
func (s *strict) chunk(header http.Header, r *http.Request) (any, error) {
	upload := s.sessions[r.URL.Query().Get("upload_id")]
	if upload == nil {
		return nil, &failure{410, "gone", "no such session"}
	}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, &failure{}
	}
	if upload.finished {
		return s.objects[upload.object.name].describe(), nil
	}
	end, err := upload.take(r.Header.Get("Content-Range"), data)
	if err != nil {
		return nil, err
	}
	have := int64(len(upload.object.data))
	if end < 0 {
		if have%(256<<10) != 0 {
			return nil, &failure{400, "invalid", "a chunk that is not the last must have a multiple of 256 KiB"}
		}
		header.Set("X-Http-Status-Code-Override", "308")
		header.Set("Range", fmt.Sprintf("bytes=0-%d", have-1))
		return map[string]any{}, nil
	}
	if have != end {
		return nil, &failure{400, "invalid", fmt.Sprintf("there are %d bytes, not %d", have, end)}
	}
	sum, _ := strings.CutPrefix(r.Header.Get("X-Goog-Hash"), "crc32c=")
	answer, err := s.finalise(upload.object, upload.conditions, sum)
	upload.finished = err == nil
	return answer, err
}

// single takes a whole object in one request.
func (s *strict) single(r *http.Request) (any, error) {
	_, parameters, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	parts := multipart.NewReader(r.Body, parameters["boundary"])
	var described description
	part, err := parts.NextPart()
	if err == nil {
		err = json.NewDecoder(part).Decode(&described)
	}
	if err == nil {
		part, err = parts.NextPart()
	}
	if err != nil {
		return nil, &failure{400, "invalid", err.Error()}
	}
	data, err := io.ReadAll(part)
	if err != nil {
		return nil, &failure{}
	}
	return s.finalise(&stored{name: described.Name, metadata: described.Metadata, data: data}, r.URL.Query(), described.CRC32C)
}

// finalise makes an object. crc is what the sender says of it, "" for nothing.
func (s *strict) finalise(object *stored, conditions url.Values, crc string) (any, error) {
	if err := s.need("storage.objects.create"); err != nil {
		return nil, err
	}
	if err := s.check(object.name, conditions); err != nil {
		return nil, err
	}
	if there := s.objects[object.name]; there != nil {
		if err := s.delete(object.name, url.Values{}); err != nil {
			return nil, err
		}
	}
	object.crc = crc32.Checksum(object.data, castagnoli())
	if crc != encoded(object.crc) {
		return nil, &failure{400, "invalid", fmt.Sprintf("Provided CRC32C %q doesn't match calculated CRC32C %q.", crc, encoded(object.crc))}
	}
	if s.corrupt != nil {
		object.data = bytes.Clone(object.data)
		s.corrupt(object.data)
		object.crc = crc32.Checksum(object.data, castagnoli())
	}
	object.md5 = md5.Sum(object.data)
	s.generation++
	object.generation, object.created = s.generation, time.Now()
	s.objects[object.name] = object
	return object.describe(), nil
}

// describe is an object in JSON.
func (o *stored) describe() map[string]any {
	described := map[string]any{"name": o.name, "bucket": strictBucket, "size": strconv.Itoa(len(o.data)), "generation": strconv.FormatInt(o.generation, 10),
		"timeCreated": o.created.UTC().Format(time.RFC3339Nano), "updated": time.Now().UTC().Format(time.RFC3339Nano),
		"crc32c": encoded(o.crc), "metadata": o.metadata, "temporaryHold": o.temporaryHold}
	if !o.composedOfMany {
		described["md5Hash"] = base64.StdEncoding.EncodeToString(o.md5[:])
	}
	if !o.retainedUntil.IsZero() {
		described["retentionExpirationTime"] = o.retainedUntil.UTC().Format(time.RFC3339Nano)
	}
	return described
}

func encoded(crc uint32) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc))
}
