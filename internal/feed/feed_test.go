package feed

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/castrolanda/imsctl/internal/cause"
)

func TestCopy(t *testing.T) {
	broken := errors.New("broken")
	reader, writer := io.Pipe()
	reader.Close()
	for name, test := range map[string]struct {
		to    io.Writer
		from  io.Reader
		whole bool
		err   error
	}{
		"whole":            {&bytes.Buffer{}, strings.NewReader("abc"), true, nil},
		"together":         {&bytes.Buffer{}, iotest.DataErrReader(strings.NewReader("abc")), true, nil},
		"nothing":          {&bytes.Buffer{}, strings.NewReader(""), true, nil},
		"fails on the way": {&bytes.Buffer{}, io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), false, broken},
		"nobody reads":     {writer, strings.NewReader("abc"), false, nil},
	} {
		failure := cause.New()
		if whole := Copy(test.to, test.from, failure); whole != test.whole || !errors.Is(failure.Err(), test.err) || failure.Urgent() != (test.err != nil) {
			t.Errorf("%s: %v, %v", name, whole, failure.Err())
		}
		if to, is := test.to.(*bytes.Buffer); is && name != "nothing" && to.String() != "abc" {
			t.Errorf("%s: %q came through", name, to)
		}
	}
}

func TestAwait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		over := make(chan struct{})
		Await(over, time.Minute)
		close(over)
		Await(over, time.Minute)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}
