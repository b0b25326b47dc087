package azblob

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/providers"
)

// stagingStore answers as an empty container, and hands every block to stage before it says that it is staged.
func stagingStore(t *testing.T, stage func(*http.Request)) *destination {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPut {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		io.Copy(io.Discard, r.Body)
		stage(r)
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(server.Close)
	config := &Config{Account: "account", Container: "copies", Key: "a2V5", Endpoint: server.URL + "/account"}
	made, err := config.Destination(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	d := made.(*destination)
	d.blockSize = 1000
	return d
}

// Blocks are sent at once, but never more than a few, and the memory for them is used again.
func TestBlocksAtOnce(t *testing.T) {
	var mu sync.Mutex
	now, most, staged := 0, 0, 0
	together := make(chan struct{})
	d := stagingStore(t, func(r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		if now == atOnce && staged == 0 {
			close(together)
		}
		mu.Unlock()
		select {
		case <-together: // the first ones wait for each other
		case <-r.Context().Done():
		}
		mu.Lock()
		now--
		staged++
		mu.Unlock()
	})
	made, err := d.Create(t.Context(), "object", providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u := made.(*upload)
	for range 500 {
		if n, err := u.Write(make([]byte, 100)); n != 100 || err != nil {
			t.Fatal(n, err)
		}
		if len(u.sent) > atOnce || len(u.sent)+len(u.spare) > atOnce {
			t.Fatalf("%d blocks are on their way, and there are %d more buffers", len(u.sent), len(u.spare))
		}
	}
	if err := u.settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if most != atOnce || staged != 49 {
		t.Errorf("%d blocks were staged, %d at once", staged, most)
	}
	if err := u.Abort(t.Context()); err != nil {
		t.Error(err)
	}
}

// An abort waits for what is on its way.
func TestAbortWhileBlocksAreSent(t *testing.T) {
	begun := make(chan struct{}, 10)
	d := stagingStore(t, func(r *http.Request) {
		begun <- struct{}{}
		<-r.Context().Done()
	})
	made, err := d.Create(t.Context(), "object", providers.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	u := made.(*upload)
	for range 25 {
		if _, err := u.Write(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	<-begun
	sent := u.sent
	if err := u.Abort(t.Context()); err != nil {
		t.Error(err)
	}
	if len(sent) != 2 {
		t.Errorf("%d blocks were on their way", len(sent))
	}
	for _, s := range sent {
		select {
		case <-s.done:
		default:
			t.Errorf("block %d is still on its way", s.number)
		}
	}
}
