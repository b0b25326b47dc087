package bucket

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"
)

// granule is what the size of a chunk must be a multiple of, unless it is the last.
const granule = 256 << 10

// description is what an upload begins with.
type description struct {
	Name     string            `json:"name"`
	Metadata map[string]string `json:"metadata"`
	CRC32C   string            `json:"crc32c"`
}

// accepting holds bytes against the sum that the sender says they have.
func accepting(sum string) func([]byte) error {
	return func(data []byte) error {
		if found := encoded(crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli))); sum != found {
			return &answer{400, "invalid", fmt.Sprintf("Provided CRC32C %q doesn't match calculated CRC32C %q.", sum, found)}
		}
		return nil
	}
}

// begin opens a session.
func (g *GCS) begin(header http.Header, r *http.Request) (any, error) {
	var described description
	if err := json.NewDecoder(r.Body).Decode(&described); err != nil {
		return nil, err
	}
	upload, err := g.Begin(described.Name, "session", described.Metadata, conditions(r.URL.Query()))
	if err != nil {
		return nil, err
	}
	// The address is that which the client used, which may be a proxy's.
	header.Set("Location", "http://"+r.Host+"/upload/storage/v1/b/"+g.Bucket+"/o?uploadType=resumable&upload_id="+upload.ID)
	return map[string]any{}, nil
}

// chunk takes one part of a session, and makes the object with the last. Of a part that breaks off, what came is kept.
func (g *GCS) chunk(header http.Header, r *http.Request) (any, error) {
	id := r.URL.Query().Get("upload_id")
	data, broken := io.ReadAll(r.Body)
	g.mu.Lock()
	made, done := g.finished[id]
	g.mu.Unlock()
	if done {
		object, err := g.Get(made)
		return g.describe(object), err
	}
	upload := g.Upload(id)
	if upload == nil {
		return nil, &answer{410, "gone", "no such session"}
	}
	span, total, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("Content-Range"), "bytes "), "/")
	if span != "*" {
		first, _, _ := strings.Cut(span, "-")
		start, err := strconv.ParseInt(first, 10, 64)
		if err != nil {
			return nil, err
		}
		if broken != nil {
			data = data[:max(0, (start+int64(len(data)))/granule*granule-start)]
		}
		if err := upload.Append(start, data); err != nil {
			return nil, err
		}
	}
	if broken != nil {
		return nil, broken
	}
	if total == "*" {
		return more(header, upload)
	}
	end, err := strconv.ParseInt(total, 10, 64)
	if err != nil || upload.Size() != end {
		return nil, fmt.Errorf("there are %d bytes, not %s", upload.Size(), total)
	}
	sum, _ := strings.CutPrefix(r.Header.Get("X-Goog-Hash"), "crc32c=")
	object, err := upload.Finish(accepting(sum))
	if err != nil {
		return nil, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.finished[id] = object.Name
	return g.describe(object), nil
}

// more says how far a session has come.
func more(header http.Header, upload *Upload) (any, error) {
	have := upload.Size()
	if have%granule != 0 {
		return nil, fmt.Errorf("a chunk that is not the last must have a multiple of %d bytes", granule)
	}
	header.Set("X-Http-Status-Code-Override", "308")
	if have > 0 {
		header.Set("Range", fmt.Sprintf("bytes=0-%d", have-1))
	}
	return map[string]any{}, nil
}

// single takes a whole object in one request.
func (g *GCS) single(r *http.Request) (any, error) {
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
		return nil, err
	}
	data, err := io.ReadAll(part)
	if err != nil {
		return nil, err
	}
	if _, err := parts.NextPart(); err != io.EOF {
		return nil, fmt.Errorf("the request breaks off: %w", err)
	}
	if err := accepting(described.CRC32C)(data); err != nil {
		return nil, err
	}
	object, err := g.Put(described.Name, data, described.Metadata, conditions(r.URL.Query()))
	if err != nil {
		return nil, err
	}
	return g.describe(object), nil
}
