package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/castrolanda/imsctl/bench/corpora"
)

// The sizes of a corpus at scale 1, in bytes: for what is stored, where the slowest methods take a second for 2 MB, and for
// the times of the fast ones.
const (
	corpusSize  = 16 << 20
	timedCorpus = 256 << 20
)

// corpusRounds is how often times are measured at most: a round takes a minute.
const corpusRounds = 3

// What auto is held against: for size by what is stored, for balanced by the time of those that store no more than gzip -9.
func smallChoices() []string {
	return []string{"gzip 9", "zstd 6", "zstd 19", "bzip2 9", "xz 6", "xz 9"}
}

func quickChoices() []string {
	return []string{"zstd 1", "zstd 2", "zstd 3", "zstd 5", "zstd 6"}
}

// measureCorpora compresses each corpus as backups to a disk, with every method and with auto, and with gzip -9. Only the sizes are
// the same on every machine and under every load. The tables that it adds are those of docs/compression.md.
func measureCorpora(ctx context.Context, s settings, folder, program string, r *report) error {
	root, err := say(ctx, "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	var stored, timed []corpusResult
	for _, corpus := range corpora.All(filepath.Join(strings.TrimSpace(root), "src")) {
		r.fact("%s: %s", corpus.Name, corpus.Description)
		one, err := storedCorpus(ctx, s, folder, program, corpus)
		if err != nil {
			return fmt.Errorf("what is stored of the corpus %s: %w", corpus.Name, err)
		}
		stored = append(stored, one)
		if corpus.Part {
			continue
		}
		if one, err = timeCorpus(ctx, s, folder, program, corpus); err != nil {
			return fmt.Errorf("the times of the corpus %s: %w", corpus.Name, err)
		}
		timed = append(timed, one)
	}
	for _, one := range stored {
		one.describeSizes(r)
	}
	for _, one := range timed {
		one.describeTimes(r)
	}
	r.tables = append(r.tables, sizesTable(stored), timesTable(timed))
	return nil
}

// withCorpus writes a corpus into a file for as long as use takes.
func withCorpus(corpus corpora.Corpus, folder string, size int64, use func(path string) error) error {
	path := filepath.Join(folder, "corpus"+corpus.Extension)
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	err = corpus.Write(file, size)
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = use(path)
	}
	if removing := os.Remove(path); err == nil {
		err = removing
	}
	return err
}

// storedCorpus finds out what is stored of a corpus. The backups run side by side: their times do not count.
func storedCorpus(ctx context.Context, s settings, folder, program string, corpus corpora.Corpus) (corpusResult, error) {
	result := corpusResult{corpus: corpus, choices: make(map[string]*corpusSeries)}
	err := withCorpus(corpus, folder, int64(float64(corpusSize)*s.scale), func(path string) (err error) {
		if result.gzip, result.raw, err = gzipCorpus(ctx, path, nil); err != nil {
			return err
		}
		choices := append([]string{"auto size", "auto balanced"}, smallChoices()...)
		taken, failures := make([]*corpusSeries, len(choices)), make([]error, len(choices))
		next := make(chan int)
		var running sync.WaitGroup
		for range runtime.NumCPU() {
			running.Go(func() {
				for i := range next {
					note("%s: %s", corpus.Name, choices[i])
					taken[i] = &corpusSeries{}
					failures[i] = backUp(ctx, filepath.Join(folder, fmt.Sprintf("corpus%d", i)), program, path, choices[i], taken[i])
				}
			})
		}
		for i := range choices {
			next <- i
		}
		close(next)
		running.Wait()
		for i, choice := range choices {
			if failures[i] != nil {
				return fmt.Errorf("%s: %w", choice, failures[i])
			}
			result.choices[choice] = taken[i]
		}
		return nil
	})
	return result, err
}

// timeCorpus lets the fast choices take turns, each with three runs: the third of auto has what the second one surveyed.
func timeCorpus(ctx context.Context, s settings, folder, program string, corpus corpora.Corpus) (corpusResult, error) {
	result := corpusResult{corpus: corpus, choices: make(map[string]*corpusSeries)}
	rounds := min(s.runs, corpusRounds)
	err := withCorpus(corpus, folder, int64(float64(timedCorpus)*s.scale), func(path string) (err error) {
		choices := slices.Insert(quickChoices(), 0, "auto balanced")
		for _, choice := range choices {
			result.choices[choice], result.choices[choice+thirdRun] = &corpusSeries{}, &corpusSeries{}
		}
		for round := range rounds {
			note("%s: round %d of %d", corpus.Name, round+1, rounds)
			if result.gzip, result.raw, err = gzipCorpus(ctx, path, &result); err != nil {
				return err
			}
			for _, choice := range choices {
				first, third := result.choices[choice], result.choices[choice+thirdRun]
				if err := backUp(ctx, filepath.Join(folder, "corpus"), program, path, choice, first, nil, third); err != nil {
					return fmt.Errorf("%s: %w", choice, err)
				}
			}
			if err := result.analyse(ctx, filepath.Join(folder, "corpus"), program, path); err != nil {
				return fmt.Errorf("analysing: %w", err)
			}
		}
		return nil
	})
	return result, err
}

// gzipCorpus compresses a file with gzip -9, and says how large both are. With a result it adds what that took, alone and with what an apply
// does besides: to hash the file, and to read back and hash what was written.
func gzipCorpus(ctx context.Context, path string, to *corpusResult) (packed, raw int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, 0, err
	}
	took, packed, err := pass(ctx, []string{"gzip", "-9", "-c"}, path, path+".gz")
	if err != nil {
		return 0, 0, err
	}
	if to != nil {
		before, err := measure(ctx, newCommand(ctx, "sha256sum", path))
		if err != nil {
			return 0, 0, err
		}
		after, err := measure(ctx, newCommand(ctx, "gzip", "-dc", path+".gz"), newCommand(ctx, "sha256sum"))
		if err != nil {
			return 0, 0, err
		}
		to.gzipTimes.wall, to.gzipTimes.cpu = append(to.gzipTimes.wall, took.wall.Seconds()), append(to.gzipTimes.cpu, took.cpu.Seconds())
		to.proven = append(to.proven, (took.wall + before.wall + after.wall).Seconds())
	}
	return packed, info.Size(), os.Remove(path + ".gz")
}
