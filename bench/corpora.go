package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/castrolanda/imsctl/bench/corpora"
)

// corpusSize is the size of a corpus at scale 1, in bytes.
const corpusSize = 64 << 20

// fixedChoices are the methods that auto is held against.
var fixedChoices = []string{"gzip 1", "gzip 6", "gzip 9", "zstd 1", "zstd 3", "zstd 7", "zstd 19", "bzip2 9", "xz 6", "xz 9"}

// measureCorpora compresses each corpus with every method and with auto for each goal, as backups to a disk, and beside them
// with gzip -9. Only the sizes are the same on every machine and under every load.
func measureCorpora(ctx context.Context, s settings, folder, program string, r *report) error {
	root, err := say(ctx, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	code := filepath.Join(strings.TrimSpace(root), "src")
	for _, corpus := range corpora.All(code) {
		r.fact("%s: %s", corpus.Name, corpus.Description)
		path := filepath.Join(folder, corpus.Name+corpus.Extension)
		if err := writeCorpus(corpus, path, int64(float64(corpusSize)*s.scale)); err != nil {
			return fmt.Errorf("writing the corpus %s: %w", corpus.Name, err)
		}
		if err := measureCorpus(ctx, folder, program, corpus, path, r); err != nil {
			return fmt.Errorf("corpus %s: %w", corpus.Name, err)
		}
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

func writeCorpus(corpus corpora.Corpus, path string, size int64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = corpus.Write(file, size)
	if closing := file.Close(); err == nil {
		err = closing
	}
	return err
}

// corpusResult is what one backup made of a corpus.
type corpusResult struct {
	raw, stored int64
	// method is that which was chosen, seconds what the whole backup took.
	method  string
	seconds float64
}

func measureCorpus(ctx context.Context, folder, program string, corpus corpora.Corpus, path string, r *report) error {
	reference, err := say(ctx, "sh", "-c", "gzip -9 <"+path+" | wc -c")
	if err != nil {
		return err
	}
	var gzip int64
	if _, err := fmt.Sscan(reference, &gzip); err != nil {
		return err
	}
	results := make(map[string]corpusResult)
	least := corpusResult{}
	for _, choice := range append([]string{"auto size", "auto balanced", "auto speed"}, fixedChoices...) {
		note("%s: %s", corpus.Name, choice)
		result, err := backUpCorpus(ctx, filepath.Join(folder, "corpus"), program, path, choice)
		if err != nil {
			return fmt.Errorf("%s: %w", choice, err)
		}
		results[choice] = result
		fixed := !strings.HasPrefix(choice, "auto")
		if fixed && (least.stored == 0 || result.stored < least.stored) {
			least = result
		}
		name := fmt.Sprintf("%s: %s, reduction", corpus.Name, choice)
		if !fixed {
			name = fmt.Sprintf("%s: %s (%s), reduction", corpus.Name, choice, result.method)
		}
		r.row(name, series{100 * (1 - float64(result.stored)/float64(result.raw))}, percentage)
		r.row(fmt.Sprintf("%s: %s, time", corpus.Name, choice), series{result.seconds}, seconds)
	}
	raw := results["auto size"].raw
	r.row(corpus.Name+": the tool gzip -9, reduction", series{100 * (1 - float64(gzip)/float64(raw))}, percentage)
	r.row(corpus.Name+": auto size, stored ÷ gzip -9", series{float64(results["auto size"].stored) / float64(gzip)}, ratio)
	r.row(corpus.Name+": auto balanced, stored ÷ gzip -9", series{float64(results["auto balanced"].stored) / float64(gzip)}, ratio)
	r.row(fmt.Sprintf("%s: auto size, stored ÷ best fixed (%s)", corpus.Name, least.method), series{float64(results["auto size"].stored) / float64(least.stored)}, ratio)
	return nil
}

func percentage(value float64) string { return fmt.Sprintf("%.1f %%", value) }

// backUpCorpus takes one backup of a file in a new folder and returns what the state says of it.
func backUpCorpus(ctx context.Context, folder, program, path, choice string) (result corpusResult, err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return result, err
	}
	defer func() {
		if removing := os.RemoveAll(folder); err == nil {
			err = removing
		}
	}()
	method, parameter, _ := strings.Cut(choice, " ")
	attribute := "level = " + parameter
	if method == "auto" {
		attribute = fmt.Sprintf("optimize = %q", parameter)
	}
	specification := fmt.Sprintf("compression \"this\" {\n  method = %q\n  %s\n}\nsource \"command\" \"corpus\" {\n  command   = [\"cat\", %q]\n  extension = %q\n}\n"+
		"destination \"local\" \"disk\" {\n  path = \"backups\"\n}\nbackup \"corpus\" {\n  source      = source.command.corpus\n  to          = [destination.local.disk]\n"+
		"  compression = compression.this\n  every       = \"24h\"\n}\n", method, attribute, path, filepath.Ext(path))
	file := filepath.Join(folder, "corpus.hcl")
	if err := os.WriteFile(file, []byte(specification), 0o600); err != nil {
		return result, err
	}
	if _, err := say(ctx, program, "apply", "-auto-approve", file); err != nil {
		return result, err
	}
	listed, err := say(ctx, program, "list", "-json", file)
	if err != nil {
		return result, err
	}
	return readCorpusResult([]byte(listed))
}

// readCorpusResult reads the one artifact of a list.
func readCorpusResult(listed []byte) (corpusResult, error) {
	var list struct {
		Artifacts []struct {
			Raw, Stored struct{ Size int64 }
			Method      string
			Level       int
			StartedAt   time.Time `json:"started_at"`
			Replicas    []struct {
				StoredAt time.Time `json:"stored_at"`
			}
		}
	}
	if err := json.NewDecoder(bytes.NewReader(listed)).Decode(&list); err != nil {
		return corpusResult{}, fmt.Errorf("reading the list of artifacts: %w", err)
	}
	if len(list.Artifacts) != 1 || len(list.Artifacts[0].Replicas) != 1 || list.Artifacts[0].Raw.Size == 0 {
		return corpusResult{}, fmt.Errorf("the list does not have one artifact with one copy: %s", listed)
	}
	artifact := list.Artifacts[0]
	method := artifact.Method
	if artifact.Level > 0 {
		method = fmt.Sprintf("%s %d", method, artifact.Level)
	}
	return corpusResult{
		raw: artifact.Raw.Size, stored: artifact.Stored.Size, method: method,
		seconds: artifact.Replicas[0].StoredAt.Sub(artifact.StartedAt).Seconds(),
	}, nil
}
