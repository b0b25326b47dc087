package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"cloud.google.com/go/storage"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob"
	"google.golang.org/api/option"

	"github.com/castrolanda/imsctl/internal/testenv"
)

// Where copies lie in the emulators.
const (
	cloudBucket    = "bench"
	cloudContainer = "bench"
)

// slowRate is what a slow destination takes, in bytes per second.
const slowRate = 5_000_000

// clouds are emulators of both clouds, with a place in each.
type clouds struct {
	gcs       string
	azure     testenv.AzuriteServer
	emulators []*testenv.Emulator
}

// startClouds starts both. They keep what they are given in memory, so that each turn gets fresh ones.
func startClouds(ctx context.Context) (started *clouds, err error) {
	c := &clouds{}
	defer func() {
		if err != nil {
			c.stop()
		}
	}()
	endpoint, emulator, err := testenv.StartGCS(ctx)
	if err != nil {
		return nil, err
	}
	c.gcs, c.emulators = endpoint, append(c.emulators, emulator)
	if c.azure, emulator, err = testenv.StartAzurite(); err != nil {
		return nil, err
	}
	c.emulators = append(c.emulators, emulator)
	if err := testenv.MakeBucket(ctx, c.gcs, cloudBucket); err != nil {
		return nil, err
	}
	client, err := c.azureClient()
	if err != nil {
		return nil, err
	}
	if _, err := client.CreateContainer(ctx, cloudContainer, nil); err != nil {
		return nil, fmt.Errorf("making a container: %w", err)
	}
	return c, nil
}

func (c *clouds) stop() {
	for _, emulator := range c.emulators {
		emulator.Stop()
	}
}

// cpu is the processor time that the emulators have used so far.
func (c *clouds) cpu() time.Duration {
	var sum time.Duration
	for _, emulator := range c.emulators {
		sum += emulator.CPU()
	}
	return sum
}

func (c *clouds) azureClient() (*azblob.Client, error) {
	credential, err := azblob.NewSharedKeyCredential(c.azure.Account, c.azure.Key)
	if err != nil {
		return nil, err
	}
	return azblob.NewClientWithSharedKeyCredential(c.azure.Endpoint, credential, nil)
}

// uploadOneByOne sends a file to one cloud and then to the other, as a script does with the programs of the clouds.
func (c *clouds) uploadOneByOne(ctx context.Context, file string) error {
	client, err := storage.NewClient(ctx, option.WithoutAuthentication(), option.WithEndpoint(c.gcs+"/storage/v1/"))
	if err != nil {
		return err
	}
	defer client.Close()
	from, err := os.Open(file)
	if err != nil {
		return err
	}
	defer from.Close()
	writer := client.Bucket(cloudBucket).Object("script.sql.gz").NewWriter(ctx)
	if _, err := from.WriteTo(writer); err != nil {
		return fmt.Errorf("uploading to the first cloud: %w", err)
	}
	if err := writer.Close(); err != nil {
		return fmt.Errorf("uploading to the first cloud: %w", err)
	}
	azure, err := c.azureClient()
	if err != nil {
		return err
	}
	if _, err := from.Seek(0, 0); err != nil {
		return err
	}
	if _, err := azure.UploadFile(ctx, cloudContainer, "script.sql.gz", from, nil); err != nil {
		return fmt.Errorf("uploading to the second cloud: %w", err)
	}
	return nil
}

// cloudSpec declares a backup to some of three destinations.
func (c *clouds) cloudSpec(server *server, azureEndpoint string, to ...string) string {
	destinations := map[string]string{
		"local":  "destination \"local\" \"disk\" {\n  path = \"copies\"\n}\n",
		"gcs":    fmt.Sprintf("destination \"gcs\" \"google\" {\n  bucket   = %q\n  endpoint = %q\n}\n", cloudBucket, c.gcs),
		"azblob": fmt.Sprintf("destination \"azblob\" \"azure\" {\n  account     = %q\n  container   = %q\n  account_key = %q\n  endpoint    = %q\n}\n", c.azure.Account, cloudContainer, c.azure.Key, azureEndpoint),
	}
	addresses := map[string]string{"local": "destination.local.disk", "gcs": "destination.gcs.google", "azblob": "destination.azblob.azure"}
	var blocks, list []string
	for _, name := range to {
		blocks, list = append(blocks, destinations[name]), append(list, addresses[name])
	}
	return fmt.Sprintf(`imsctl {
  state "local" {
    path = "state.json"
  }
}
source "postgres" "db" {
  url = %q
}
compression "z" {
  method = "zstd"
}
%sbackup "db" {
  source      = source.postgres.db
  compression = compression.z
  to          = [%s]
  min_copies  = %d
  every       = "1000d"
}
`, server.url, strings.Join(blocks, ""), strings.Join(list, ", "), len(list))
}

// cloudTurn is one contender of the benchmark of clouds.
type cloudTurn struct {
	name string
	to   []string
	// slow puts a limit in front of Azure.
	slow bool

	wall, cpu, clouds, peak, others, session series
}

// measureClouds compares one apply to two clouds and a disk with an apply to the disk alone, with a script that uploads one
// after the other, and with itself while one of the clouds is slow.
func measureClouds(ctx context.Context, s settings, folder, program string, r *report) (err error) {
	server, err := startFilledServer(ctx, s.scale)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	disk := &cloudTurn{name: "imsctl apply to a disk", to: []string{"local"}}
	all := &cloudTurn{name: "imsctl apply to two clouds and a disk", to: []string{"gcs", "azblob", "local"}}
	without := &cloudTurn{name: "imsctl apply to one cloud and a disk", to: []string{"gcs", "local"}}
	slow := &cloudTurn{name: "imsctl apply to two clouds and a disk, one cloud at 5 MB/s", to: []string{"gcs", "azblob", "local"}, slow: true}
	script := &cloudTurn{name: "pg_dump | gzip -9 > file, then one upload after the other"}
	for round := range s.runs + 1 {
		if round == 0 && s.runs == 1 {
			// One round is a quick look: it does without one that warms up.
			continue
		}
		for _, turn := range []*cloudTurn{disk, all, without, slow, script} {
			note("round %d of %d: %s", round, s.runs, turn.name)
			if err := turn.take(ctx, filepath.Join(folder, "turn"), program, server, round > 0); err != nil {
				return fmt.Errorf("%s: %w", turn.name, err)
			}
		}
	}
	for _, turn := range []*cloudTurn{disk, all, without, slow, script} {
		r.row(turn.name+": wall", turn.wall, seconds)
	}
	r.row("ratio of wall: two clouds and a disk / disk alone", ratios(all.wall, disk.wall), ratio)
	r.row("ratio of wall: script / two clouds and a disk", ratios(script.wall, all.wall), ratio)
	for _, turn := range []*cloudTurn{disk, all} {
		r.row(turn.name+": CPU of imsctl and pg_dump", turn.cpu, seconds)
	}
	r.row(all.name+": CPU of the emulators", all.clouds, seconds)
	r.row(all.name+": peak RSS (wait4)", all.peak, size)
	r.row(slow.name+": peak RSS (wait4)", slow.peak, size)
	r.row("ratio of time until the other copies are complete: one cloud slow / that cloud left out", ratios(slow.others, without.others), ratio)
	r.row("ratio of time until the database session ends: one cloud slow / that cloud left out", ratios(slow.session, without.session), ratio)
	return nil
}

// take runs the contender once with fresh emulators.
func (t *cloudTurn) take(ctx context.Context, folder, program string, server *server, counts bool) (err error) {
	if err := os.Mkdir(folder, 0o700); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	clouds, err := startClouds(ctx)
	if err != nil {
		return err
	}
	defer clouds.stop()
	if len(t.to) == 0 {
		return t.script(ctx, clouds, folder, server, counts)
	}
	endpoint := clouds.azure.Endpoint
	if t.slow {
		slowed, err := newThrottle(endpoint, slowRate)
		if err != nil {
			return err
		}
		defer slowed.stop()
		endpoint = slowed.endpoint
	}
	if err := os.WriteFile(filepath.Join(folder, "bench.hcl"), []byte(clouds.cloudSpec(server, endpoint, t.to...)), 0o600); err != nil {
		return err
	}
	watch, err := newWatch(ctx, server, filepath.Join(folder, "copies"), clouds, t.to)
	if err != nil {
		return err
	}
	command := newCommand(ctx, program, "apply", "-auto-approve", folder)
	command.Env = server.environment()
	before := clouds.cpu()
	took, err := measure(ctx, command)
	others, session := watch.stop()
	if err != nil {
		return err
	}
	if counts {
		t.add(took, others, session)
		t.clouds = append(t.clouds, (clouds.cpu() - before).Seconds())
	}
	return nil
}

func (t *cloudTurn) add(took usage, others, session time.Duration) {
	t.wall, t.cpu, t.peak = append(t.wall, took.wall.Seconds()), append(t.cpu, took.cpu.Seconds()), append(t.peak, float64(took.peak))
	t.others, t.session = append(t.others, others.Seconds()), append(t.session, session.Seconds())
}

// script is what people do without imsctl. Nothing of it is checked.
func (t *cloudTurn) script(ctx context.Context, clouds *clouds, folder string, server *server, counts bool) error {
	file := filepath.Join(folder, "dump.sql.gz")
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	gzip := newCommand(ctx, "gzip", "-9")
	gzip.Stdout = out
	took, err := measure(ctx, server.dump(ctx), gzip)
	if err = errors.Join(err, out.Close()); err != nil {
		return err
	}
	began := time.Now()
	if err := clouds.uploadOneByOne(ctx, file); err != nil {
		return err
	}
	if counts {
		took.wall += time.Since(began)
		t.add(took, 0, 0)
	}
	return nil
}

// hostOf is the host and port of an endpoint.
func hostOf(endpoint string) (string, error) {
	parsed, err := url.Parse(endpoint)
	if err != nil {
		return "", fmt.Errorf("reading the endpoint: %w", err)
	}
	return parsed.Host, nil
}
