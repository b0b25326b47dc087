package testenv

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// browsers are the programs that Browser knows, the smallest first.
var browsers = []string{"chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"}

// Browser is a headless Chromium that is spoken to through a pipe, in the DevTools protocol.
type Browser struct {
	command *exec.Cmd
	write   *os.File
	ended   chan struct{}

	mutex   sync.Mutex
	last    int
	waiting map[int]chan<- reply
	pages   map[string]*WebPage
}

// reply is an answer or an event of the browser.
type reply struct {
	ID     int             `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
	Session string `json:"sessionId"`
}

// StartBrowser starts one that ends with the test. It reaches nothing but files: no name is resolved.
func StartBrowser(t testing.TB) *Browser {
	t.Helper()
	program := ""
	for _, name := range browsers {
		if path, err := exec.LookPath(name); err == nil && program == "" {
			program = path
		}
	}
	if program == "" {
		Skip(t, "chromium is not installed")
	}
	in, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// Not the test's own folder: a child of the browser may still write there for a moment when the browser has ended.
	profile, err := os.MkdirTemp("", "imsctl-browser-")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
		"--disable-background-networking", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir="+profile, "--remote-debugging-pipe")
	// Chromium reads commands from descriptor 3 and writes answers to 4.
	command.ExtraFiles, command.SysProcAttr = []*os.File{in, out}, dyingWithParent()
	var said bytes.Buffer
	command.Stderr = &said
	// A child of it that lives on for a moment must not hold Wait up.
	command.WaitDelay = 10 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	_, _ = in.Close(), out.Close()
	b := &Browser{command: command, write: write, ended: make(chan struct{}), waiting: make(map[int]chan<- reply), pages: make(map[string]*WebPage)}
	go b.listen(read)
	t.Cleanup(func() {
		// It ends when nobody can tell it anything any more.
		_ = write.Close()
		stop := time.AfterFunc(20*time.Second, func() { _ = command.Process.Kill() })
		defer stop.Stop()
		<-b.ended
		_ = command.Wait()
		removeSoon(profile)
		if t.Failed() && said.Len() > 0 {
			t.Logf("chromium: %s", said.Bytes())
		}
	})
	return b
}

// removeSoon removes a folder in which somebody may still write for a moment. What cannot be removed is left to the system.
func removeSoon(folder string) {
	for range 100 {
		if os.RemoveAll(folder) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// listen hands on what the browser says, until it has nothing more to say.
func (b *Browser) listen(from *os.File) {
	defer close(b.ended)
	defer from.Close()
	reader := bufio.NewReader(from)
	for {
		message, err := reader.ReadBytes(0)
		if err != nil {
			return
		}
		var said reply
		if json.Unmarshal(bytes.TrimSuffix(message, []byte{0}), &said) != nil {
			continue
		}
		b.mutex.Lock()
		answer, page := b.waiting[said.ID], b.pages[said.Session]
		delete(b.waiting, said.ID)
		b.mutex.Unlock()
		switch {
		case said.ID != 0 && answer != nil:
			answer <- said
		case said.Method != "" && page != nil:
			page.notice(said)
		}
	}
}

// ask sends a command and waits for its answer.
func (b *Browser) ask(ctx context.Context, session, method string, params, result any) error {
	answer := make(chan reply, 1)
	b.mutex.Lock()
	b.last++
	id := b.last
	b.waiting[id] = answer
	message, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params, "sessionId": session})
	if session == "" {
		message, err = json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	}
	if err == nil {
		_, err = b.write.Write(append(message, 0))
	}
	b.mutex.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case said := <-answer:
		if said.Error != nil {
			return fmt.Errorf("%s: %s", method, said.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(said.Result, result)
	case <-b.ended:
		return fmt.Errorf("%s: the browser has ended", method)
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

// Look is how a page is looked at.
type Look struct {
	Width, Height int
	Dark, Print   bool
}

// WebPage is a page that is open.
type WebPage struct {
	browser *Browser
	session string
	loaded  chan struct{}
	once    sync.Once

	mutex    sync.Mutex
	messages []string
	requests []string
}

// Open shows a file and returns when it is loaded.
func (b *Browser) Open(ctx context.Context, path string, look Look) (*WebPage, error) {
	var target struct{ TargetID string }
	if err := b.ask(ctx, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return nil, err
	}
	var attached struct{ SessionID string }
	if err := b.ask(ctx, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached); err != nil {
		return nil, err
	}
	page := &WebPage{browser: b, session: attached.SessionID, loaded: make(chan struct{})}
	b.mutex.Lock()
	b.pages[page.session] = page
	b.mutex.Unlock()
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	scheme, media := "light", ""
	if look.Dark {
		scheme = "dark"
	}
	if look.Print {
		media = "print"
	}
	for _, step := range []struct {
		method string
		params map[string]any
	}{
		{"Page.enable", nil}, {"Runtime.enable", nil}, {"Log.enable", nil}, {"Network.enable", nil},
		{"Emulation.setDeviceMetricsOverride", map[string]any{"width": look.Width, "height": look.Height, "deviceScaleFactor": 1, "mobile": false}},
		{"Emulation.setEmulatedMedia", map[string]any{"media": media, "features": []map[string]string{{"name": "prefers-color-scheme", "value": scheme}}}},
		{"Page.navigate", map[string]any{"url": "file://" + absolute}},
	} {
		if err := page.ask(ctx, step.method, step.params, nil); err != nil {
			return nil, err
		}
	}
	select {
	case <-page.loaded:
		return page, nil
	case <-b.ended:
		return nil, errors.New("the browser has ended")
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (p *WebPage) ask(ctx context.Context, method string, params map[string]any, result any) error {
	if params == nil {
		params = map[string]any{}
	}
	return p.browser.ask(ctx, p.session, method, params, result)
}

// notice keeps what a page says and asks for.
func (p *WebPage) notice(event reply) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	switch event.Method {
	case "Page.loadEventFired":
		p.once.Do(func() { close(p.loaded) })
	case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded":
		p.messages = append(p.messages, event.Method+" "+string(event.Params))
	case "Network.requestWillBeSent":
		var sent struct{ Request struct{ URL string } }
		if json.Unmarshal(event.Params, &sent) == nil {
			p.requests = append(p.requests, sent.Request.URL)
		}
	}
}

// Said is what the page wrote to the console so far, and what errors there were; Asked are the addresses that it asked for.
func (p *WebPage) Said() (messages, asked []string) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return append(messages, p.messages...), append(asked, p.requests...)
}

// Evaluate evaluates JavaScript on the page, waits for a promise, and decodes what comes out into result.
func (p *WebPage) Evaluate(ctx context.Context, script string, result any) error {
	var answer struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	if err := p.ask(ctx, "Runtime.evaluate", map[string]any{"expression": script, "awaitPromise": true, "returnByValue": true}, &answer); err != nil {
		return err
	}
	if wrong := answer.ExceptionDetails; wrong != nil {
		return fmt.Errorf("%s %s", wrong.Text, wrong.Exception.Description)
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result.Value, result)
}

// Close closes the page.
func (p *WebPage) Close(ctx context.Context) error {
	return p.ask(ctx, "Page.close", nil, nil)
}

// Screenshot is all of the page as a PNG.
func (p *WebPage) Screenshot(ctx context.Context) ([]byte, error) {
	return p.picture(ctx, "Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": true})
}

// PDF is the page as it is printed.
func (p *WebPage) PDF(ctx context.Context) ([]byte, error) {
	return p.picture(ctx, "Page.printToPDF", map[string]any{"preferCSSPageSize": false, "printBackground": true, "paperWidth": 8.27, "paperHeight": 11.69})
}

func (p *WebPage) picture(ctx context.Context, method string, params map[string]any) ([]byte, error) {
	var answer struct{ Data string }
	if err := p.ask(ctx, method, params, &answer); err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(answer.Data)
}

// Axe returns the source of axe-core, which finds what of a page not everybody can use.
func Axe(t testing.TB) string {
	t.Helper()
	folder, err := testCache()
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(filepath.Join(folder, "axe", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		Skip(t, fmt.Sprintf("axe-core is not installed, which scripts/test does: %v", err))
	}
	return string(source)
}
