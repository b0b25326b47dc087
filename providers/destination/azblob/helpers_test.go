package azblob

import (
	"io"
	"net/http"
	"strconv"

	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
)

func encode(data []byte) string { return base64.StdEncoding.EncodeToString(data) }

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

// quoted is a version as an ETag.
func quoted(version string) azcore.ETag { return azcore.ETag(`"` + version + `"`) }

// insert puts text before the first place of an answer where there is a mark.
func insert(r *http.Response, mark, text string) {
	if !strings.Contains(r.Header.Get("Content-Type"), "xml") {
		return
	}
	body, _ := io.ReadAll(r.Body)
	replaceBody(r, strings.Replace(string(body), mark, text+mark, 1))
}

// replaceBody changes what an answer brings.
func replaceBody(r *http.Response, body string) {
	r.Body = io.NopCloser(strings.NewReader(body))
	r.ContentLength = int64(len(body))
	r.Header.Set("Content-Length", strconv.Itoa(len(body)))
}
