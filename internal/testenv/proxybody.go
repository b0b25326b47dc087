package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// errBroken ends a body on the way.
var errBroken = errors.New("the connection is broken by the test")

// faultKey is under which a request carries what is to become of its answer.
type faultKey struct{}

// whole is a request whose body was read already. Passed on as it comes, it would be closed as soon as the server answers, and that
// may be before whoever passes it on has seen its end, who would take it for a failure.
func whole(r *http.Request) *http.Request {
	data, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body, r.ContentLength = &wholeBody{bytes.NewReader(data), data}, int64(len(data))
	return r
}

// wholeBody is a body that was read already.
type wholeBody struct {
	*bytes.Reader
	data []byte
}

// Close implements io.Closer.
func (*wholeBody) Close() error { return nil }

// Body is what a request brings that a proxy's rule is shown.
func Body(r *http.Request) []byte {
	if body, ok := r.Body.(*wholeBody); ok {
		return body.data
	}
	return nil
}

// onTheWay is a request as the server will see it.
func (f *Fault) onTheWay(r *http.Request) *http.Request {
	r = r.WithContext(context.WithValue(r.Context(), faultKey{}, f))
	switch f.kind {
	case faultResetMidBody:
		r.Body = body{io.MultiReader(io.LimitReader(r.Body, half(r.ContentLength)), broken{}), r.Body}
	case faultSlow:
		r.Body = body{&slow{r.Body, f.pause}, r.Body}
	case faultAlter:
		data, _ := io.ReadAll(r.Body)
		f.alter(r, data)
		r.Body = body{bytes.NewReader(data), r.Body}
	}
	return r
}

// half is half of a length, or some of one that is not known.
func half(length int64) int64 {
	if length < 0 {
		return 1 << 10
	}
	return length / 2
}

// modify does to a server's answer what is to become of it. An address of the server in it becomes the proxy's.
func modify(r *http.Response) error {
	if location, err := r.Location(); err == nil && location.Host == r.Request.URL.Host {
		location.Host = r.Request.Host
		r.Header.Set("Location", location.String())
	}
	f, _ := r.Request.Context().Value(faultKey{}).(*Fault)
	if f == nil {
		return nil
	}
	switch f.kind {
	case faultLostAnswer:
		return errBroken
	case faultHeld:
		f.arrived <- struct{}{}
		<-f.released
		return errBroken
	case faultCutAnswer:
		r.Body = body{io.MultiReader(io.LimitReader(r.Body, half(r.ContentLength)), broken{}), r.Body}
	case faultAnswered:
		f.answer(r)
	}
	return nil
}

// body is a reader that closes another one.
type body struct {
	io.Reader
	io.Closer
}

// broken is a connection that breaks when it is read.
type broken struct{}

// Read implements io.Reader.
func (broken) Read([]byte) (int, error) { return 0, errBroken }

// slow is a reader that pauses after every 16 KiB.
type slow struct {
	from  io.Reader
	pause time.Duration
}

// Read implements io.Reader.
func (s *slow) Read(p []byte) (int, error) {
	n, err := s.from.Read(p[:min(len(p), 16<<10)])
	time.Sleep(s.pause)
	return n, err
}

// GCSAnswer is a refusal in the words of Cloud Storage.
func GCSAnswer(status int, reason, message string) Fault {
	data, _ := json.Marshal(map[string]any{"error": map[string]any{"code": status, "message": message,
		"errors": []any{map[string]any{"reason": reason, "message": message}}}})
	return Answer(status, http.Header{"Content-Type": {"application/json"}}, string(data))
}

// AzureAnswer is a refusal in the words of Blob Storage.
func AzureAnswer(status int, code string) Fault {
	return Answer(status, http.Header{"Content-Type": {"application/xml"}, "X-Ms-Error-Code": {code}},
		fmt.Sprintf("<Error><Code>%s</Code><Message>The store says %s.\nRequestId:1</Message></Error>", code, code))
}
