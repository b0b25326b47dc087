// Package builtin is the list of the providers that imsctl is built with.
package builtin

import (
	"github.com/castrolanda/imsctl/providers"
	checkcommand "github.com/castrolanda/imsctl/providers/check/command"
	"github.com/castrolanda/imsctl/providers/check/containers"
	"github.com/castrolanda/imsctl/providers/check/disk"
	"github.com/castrolanda/imsctl/providers/check/http"
	"github.com/castrolanda/imsctl/providers/check/paths"
	checkpostgres "github.com/castrolanda/imsctl/providers/check/postgres"
	checkredis "github.com/castrolanda/imsctl/providers/check/redis"
	"github.com/castrolanda/imsctl/providers/check/tcp"
	"github.com/castrolanda/imsctl/providers/cleanup/directory"
	"github.com/castrolanda/imsctl/providers/cleanup/docker"
	"github.com/castrolanda/imsctl/providers/cleanup/logs"
	"github.com/castrolanda/imsctl/providers/compression"
	"github.com/castrolanda/imsctl/providers/compression/choice"
	"github.com/castrolanda/imsctl/providers/deploy/github"
	"github.com/castrolanda/imsctl/providers/deploy/hybrid"
	deploylocal "github.com/castrolanda/imsctl/providers/deploy/local"
	"github.com/castrolanda/imsctl/providers/deploy/vm"
	"github.com/castrolanda/imsctl/providers/destination/azblob"
	"github.com/castrolanda/imsctl/providers/destination/gcs"
	destinationlocal "github.com/castrolanda/imsctl/providers/destination/local"
	"github.com/castrolanda/imsctl/providers/encryption"
	hostlocal "github.com/castrolanda/imsctl/providers/host/local"
	"github.com/castrolanda/imsctl/providers/host/ssh"
	notifycommand "github.com/castrolanda/imsctl/providers/notify/command"
	notifysmtp "github.com/castrolanda/imsctl/providers/notify/smtp"
	"github.com/castrolanda/imsctl/providers/notify/webhook"
	"github.com/castrolanda/imsctl/providers/source/command"
	"github.com/castrolanda/imsctl/providers/source/dockerlogs"
	"github.com/castrolanda/imsctl/providers/source/files"
	"github.com/castrolanda/imsctl/providers/source/postgres"
	"github.com/castrolanda/imsctl/providers/source/redis"
)

// Registry returns the registry of what is built in. Its order is that of the language reference.
func Registry() (*providers.Registry, error) {
	return providers.NewRegistry(compression.NewCodec, choice.NewChooser, encryption.New,
		hostlocal.Provider(), ssh.Provider(),
		postgres.Provider(), redis.Provider(), files.Provider(), dockerLogs(), command.Provider(),
		destinationlocal.Provider(), gcs.Provider(), azblob.Provider(),
		http.Provider(), tcp.Provider(), checkpostgres.Provider(), checkredis.Provider(), containers.Provider(), disk.Provider(),
		paths.Provider(), checkcommand.Provider(),
		github.Provider(), hybrid.Provider(), deploylocal.Provider(), vm.Provider(),
		directory.Provider(), docker.Provider(), logs.Provider(),
		webhook.Provider(), notifysmtp.Provider(), notifycommand.Provider(),
	)
}

// dockerLogs are put back as what they are, an archive of files.
func dockerLogs() providers.Provider {
	logs := dockerlogs.Provider()
	logs.Restore = files.Provider().Restore
	return logs
}
