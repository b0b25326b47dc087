package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/testenv"
	"github.com/castrolanda/imsctl/providers"
	"github.com/castrolanda/imsctl/providers/host/ssh"
	"github.com/castrolanda/imsctl/providers/source/postgres"
)

// counted is a host that counts the connections that are made through it.
type counted struct {
	providers.Dialer
	dialled *atomic.Int32
}

func (c counted) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.dialled.Add(1)
	return c.Dialer.Dial(ctx, network, address)
}

// TestDumpOnAnotherMachine runs pg_dump on a machine that is reached by SSH, and reaches the server from there too, over
// TCP and over a socket that only that machine has.
func TestDumpOnAnotherMachine(t *testing.T) {
	server, url := database(t, "faraway", "create table things as select n from generate_series(1, 1000) n")
	machine := testenv.SSH(t)
	t.Setenv("HOME", machine.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	made, err := (&ssh.Config{Address: "vm"}).Host(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	defer made.(io.Closer).Close()
	for name, url := range map[string]string{"tcp": url, "socket": server.SocketURL("faraway"), "parallel": url} {
		t.Run(name, func(t *testing.T) {
			host := counted{made.(providers.Dialer), new(atomic.Int32)}
			config := postgres.Provider().New().(*postgres.Config)
			config.URL, config.Host = url, providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}
			if name == "parallel" {
				config.Parallel = 3
			}
			source, err := config.Source(providers.Environment{Hosts: func(providers.Reference) (providers.Host, error) { return host, nil }})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := source.Inspect(t.Context()); err != nil {
				t.Fatal(err)
			}
			text, reading := dump(t, source)
			if reading.RowCounts["public.things"] != 1000 || !strings.Contains(text, "COPY public.things") {
				t.Errorf("got %v and %d bytes", reading.RowCounts, len(text))
			}
			if host.dialled.Load() == 0 {
				t.Error("the server was not reached through the machine")
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			_, err = source.Read(ctx, runName(t), cancelling{cancel})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("a dump that is given up gives %v", err)
			}
		})
	}
}

// TestDrillFromAnotherMachine reaches the server of a drill through a machine, on which psql runs too.
func TestDrillFromAnotherMachine(t *testing.T) {
	server, _ := database(t, "faraway_drill", "")
	machine := testenv.SSH(t)
	t.Setenv("HOME", machine.Home)
	t.Setenv("SSH_AUTH_SOCK", "")
	made, err := (&ssh.Config{Address: "vm"}).Host(providers.Environment{Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	defer made.(io.Closer).Close()
	host := counted{made.(providers.Dialer), new(atomic.Int32)}
	there := providers.Reference{Kind: providers.KindHost, Address: "host.ssh.vm"}
	driller, err := postgres.Provider().Drill(providers.Environment{Hosts: func(asked providers.Reference) (providers.Host, error) {
		if asked != there {
			return nil, fmt.Errorf("%s is not the machine", asked.Address)
		}
		return host, nil
	}}, providers.DrillTarget{Host: there, URL: server.SocketURL("")})
	if err != nil {
		t.Fatal(err)
	}
	scratch, name := begin(t, driller)
	if err := scratch.Restore(t.Context(), strings.NewReader("create table things as select n from generate_series(1, 1000) n;\n")); err != nil {
		t.Fatal(err)
	}
	before := host.dialled.Load()
	found, err := scratch.Compare(t.Context(), providers.DrillExpectation{RowCounts: map[string]int64{"public.things": 1000}})
	if err != nil || found.Rows != 1000 || len(found.Differences) > 0 {
		t.Errorf("got %+v, %v", found, err)
	}
	if before == 0 || host.dialled.Load() == before {
		t.Error("the server was not reached through the machine")
	}
	if err := scratch.Close(t.Context()); err != nil || exists(t, name) {
		t.Errorf("%s is left: %v", name, err)
	}
}

// cancelling cancels as soon as something is written.
type cancelling struct{ cancel func() }

func (c cancelling) Write([]byte) (int, error) {
	c.cancel()
	return 0, context.Canceled
}
