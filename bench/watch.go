package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// watchEvery is how often is looked.
const watchEvery = 100 * time.Millisecond

// watch looks from outside at when an apply has let go of the database, and when its copies at all destinations but Azure are
// complete, that is, have a manifest.
type watch struct {
	end      chan struct{}
	finished chan [2]time.Duration
}

// newWatch begins to look now. It must be stopped.
func newWatch(ctx context.Context, server *server, disk string, clouds *clouds, to []string) (*watch, error) {
	connection, err := pgx.Connect(ctx, server.url)
	if err != nil {
		return nil, fmt.Errorf("looking at the database: %w", err)
	}
	w := &watch{end: make(chan struct{}), finished: make(chan [2]time.Duration)}
	began := time.Now()
	go func() {
		defer connection.Close(context.WithoutCancel(ctx))
		var others, session time.Duration
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			select {
			case <-w.end:
				if others == 0 {
					others = time.Since(began)
				}
				w.finished <- [2]time.Duration{others, session}
				return
			case <-ticker.C:
				if isRead(ctx, connection) {
					session = time.Since(began)
				}
				if others == 0 && sealedOnDisk(disk) && (!slices.Contains(to, "gcs") || clouds.sealedInBucket(ctx)) {
					others = time.Since(began)
				}
			}
		}
	}()
	return w, nil
}

// stop returns how long it took until the copies elsewhere than in Azure were complete, and until the last session of
// pg_dump or imsctl ended; 0 for a session that was never seen.
func (w *watch) stop() (others, session time.Duration) {
	close(w.end)
	found := <-w.finished
	return found[0], found[1]
}

// isRead reports whether anybody but the observer has a session in the database.
func isRead(ctx context.Context, connection *pgx.Conn) bool {
	var count int
	err := connection.QueryRow(ctx, "select count(*) from pg_stat_activity where backend_type = 'client backend' and pid <> pg_backend_pid()").Scan(&count)
	return err == nil && count > 0
}

func sealedOnDisk(folder string) bool {
	found := false
	// The folder may not be there yet.
	_ = filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		found = found || err == nil && strings.HasSuffix(path, manifestSuffix)
		return nil
	})
	return found
}

// manifestSuffix is how the names of manifests end.
const manifestSuffix = ".manifest.json"

func (c *clouds) sealedInBucket(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.gcs+"/storage/v1/b/"+cloudBucket+"/o", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	var list struct {
		Items []struct {
			Name string `json:"name"`
		} `json:"items"`
	}
	if err := json.NewDecoder(response.Body).Decode(&list); err != nil {
		return false
	}
	for _, item := range list.Items {
		if strings.HasSuffix(item.Name, manifestSuffix) {
			return true
		}
	}
	return false
}
