// Package providers holds the contracts between imsctl's core and the things it works with, and the registry of what is
// built in. A provider is one folder below this one: its configuration struct, its validation, its code and its tests.
// Providers know nothing of the specification, of plans or of their execution.
package providers

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/castrolanda/imsctl/internal/clock"
	"github.com/castrolanda/imsctl/internal/endpoint"
)

// Kind is a family of providers: the first word of the block that declares one.
type Kind string

// The families, as they are written in a specification.
const (
	KindHost        Kind = "host"
	KindSource      Kind = "source"
	KindDestination Kind = "destination"
	KindCheck       Kind = "check"
	KindCleanup     Kind = "cleanup"
	KindNotify      Kind = "notify"
	// KindDeploy is of the strategies of deploy blocks: their types are the values of the attribute strategy.
	KindDeploy Kind = "deploy"
)

// Config is what the body of a block is decoded into: a pointer to a struct whose exported fields carry an `hcl` tag
// (`hcl:"url"`, `hcl:"exclude,optional"`) and a `doc` tag of one sentence, from which the language reference is kept true.
//
// Field types: string, bool, int64, []string, map[string]string, Reference, []Reference and anything that implements
// encoding.TextUnmarshaler (units.Duration, units.Size). Nested blocks are fields with `hcl:"when,block"`: a struct must be
// there once, a pointer to one may be, a slice of them as often as one likes; their fields follow the same rules, and
// `hcl:"type,label"` is their label. A method Defaults() of such a struct sets its defaults. An optional attribute that is absent or null leaves its field at
// the value New gave it, so New sets the defaults.
type Config interface {
	// Validate returns every mistake that the types alone do not show, without any I/O.
	Validate() []Problem
}

// NotBuilder is a Config of something that can be declared and is checked, but not done yet.
type NotBuilder interface {
	Config
	// NotBuilt says in a sentence without a full stop what is not built yet, or nothing when all of what is declared is.
	NotBuilt() string
}

// Problem is one mistake in a block.
type Problem = endpoint.Problem

// SourceConfig is the Config of a KindSource provider.
type SourceConfig interface {
	Config
	// Source makes the source that this block describes. It does no I/O.
	Source(Environment) (Source, error)
}

// DestinationConfig is the Config of a KindDestination provider.
type DestinationConfig interface {
	Config
	// Destination makes the destination that this block describes. It does no I/O.
	Destination(Environment) (Destination, error)
}

// UsualUploadRate is what is assumed of a destination that nothing was uploaded to yet, in bytes per second: a line of 400 Mbit/s.
const UsualUploadRate = 50e6

// Paced is a DestinationConfig of which another rate is assumed.
type Paced interface {
	DestinationConfig
	// AssumedUploadRate is that rate, a round figure in bytes per second.
	AssumedUploadRate() float64
}

// Credentialed is a DestinationConfig that is on no host of the specification, and says what access to it is gained with.
type Credentialed interface {
	DestinationConfig
	// Credentials are equal for two destinations when who has those of the one can also write to the other. They may be
	// secrets: they are compared, and never shown.
	Credentials() string
}

// HostConfig is the Config of a KindHost provider.
type HostConfig interface {
	Config
	// Host makes the host that this block describes. It does no I/O.
	Host(Environment) (Host, error)
}

// Located is a HostConfig that tells which machine it is.
type Located interface {
	HostConfig
	// Machine is equal for two blocks that are ways to the same machine, as far as a specification can tell; empty for the
	// machine imsctl runs on.
	Machine() string
}

// Limited is a HostConfig of a machine that only so much may be asked of at once.
type Limited interface {
	HostConfig
	// Parallel is how many backups may read from it at once, at least 1.
	Parallel() int
}

// Claimed is a SourceConfig of something that is locked on its host while it is read. Sources that have a lock of their own are none.
type Claimed interface {
	SourceConfig
	// Claim is what is locked: equal for two blocks, of whatever specifications, that read the same. The zero Claim is that of a block
	// whose source has a lock of its own.
	Claim(Environment) Claim
}

// Claim is something on a host that one at a time may read.
type Claim struct {
	Host Reference
	// What names it for people ("the logs of ims_*"), without secrets.
	What string
	// More is what tells it from others that have the same name. It is never shown, and may hold secrets.
	More []string
}

// Reference names another block, such as host.local. The zero Reference means that the attribute was left out.
type Reference struct {
	Kind Kind
	// Address is the whole address of the block ("host.ssh.vm").
	Address string
}

// IsZero reports whether the reference was left out.
func (r Reference) IsZero() bool { return r.Address == "" }

// LocalHost is the address of the machine imsctl runs on.
const LocalHost = "host.local"

// OfHost is the address of the host that is meant: LocalHost where the reference was left out.
func (r Reference) OfHost() string {
	if r.IsZero() {
		return LocalHost
	}
	return r.Address
}

// IsHere reports whether the host that is meant is the machine imsctl runs on, under whatever name.
func (r Reference) IsHere() bool { return strings.HasPrefix(r.OfHost()+".", LocalHost+".") }

// Environment is what a provider may use of the world around it.
type Environment struct {
	// Hosts finds a host by reference; the zero Reference is host.local.
	Hosts func(Reference) (Host, error)
	// Decorate wraps each host that the specification declares, before anything uses it; nil leaves them as they are.
	Decorate func(Host) Host
	// Sources finds a source of the specification by reference, for those who ask sources about themselves; nil where there are none.
	Sources func(Reference) (Source, error)
	// Deploys are the projects that the specification deploys, for those who must leave them alone.
	Deploys []DeployTarget
	// Containers reaches the container engine of a host, without I/O; an error where a host cannot have one.
	Containers func(Host) (Containers, error)
	Clock      clock.Clock
	// Log hears of what is done beyond what was asked for, such as attempts that are made again; nil for nobody.
	Log *slog.Logger
	// Directory is the absolute folder that relative paths in the specification start from.
	Directory string
}

// Dialer is the host of a reference, which must be one from which connections can be made.
func (e Environment) Dialer(reference Reference) (Dialer, error) {
	host, err := e.Hosts(reference)
	if err != nil {
		return nil, err
	}
	dialer, ok := host.(Dialer)
	if !ok {
		return nil, fmt.Errorf("no connections can be made from %s", host.Name())
	}
	return dialer, nil
}

// ContainersOn is the container engine of a host, without I/O; an error where the host cannot have one, or nobody can reach any.
func (e Environment) ContainersOn(host Host) (Containers, error) {
	if e.Containers == nil {
		return nil, errors.New("no container engine can be reached")
	}
	return e.Containers(host)
}

// Provider is one entry of the registry.
type Provider struct {
	Kind Kind
	// Type is the second word of the block: "postgres" in `source "postgres" "ims"`.
	Type string
	// Summary is one sentence for the language reference.
	Summary string
	// New returns a pointer to a configuration with its defaults set. Its dynamic type is a SourceConfig, DestinationConfig
	// or HostConfig, as Kind says.
	New func() Config
	// Database is set for sources that are databases: a backup of one should be drilled.
	Database bool
	// Restore says how this source type puts an artifact back at a target, beyond a plain file. It is nil for sources whose
	// artifacts can only be restored as a file. It returns an error for a target kind that it does not serve.
	Restore func(Environment, Target) (Restorer, error)
	// Drill makes what restores artifacts of this source type as a proof, without I/O. It is nil for sources whose backups
	// cannot be drilled. CheckDrill returns the mistakes in a target, without I/O; their Attribute is "host", "url", "path" or "assert".
	Drill      func(Environment, DrillTarget) (Driller, error)
	CheckDrill func(DrillTarget) []Problem
	// Deploy makes what deploys by this strategy, without I/O; nil for everything but strategies.
	Deploy func(Environment, DeployTarget) (Deployer, error)
}

// Registry is the set of providers a specification may name. It does not change once made.
type Registry struct {
	providers  []Provider
	codec      CodecFactory
	chooser    ChooserFactory
	encryption EncryptionFactory
}

// NewRegistry returns a registry of the given providers, of the codecs that newCodec makes, of the choosers that newChooser does
// and of the encryption that newEncryption does. Two providers of the same kind and type are an error.
func NewRegistry(newCodec CodecFactory, newChooser ChooserFactory, newEncryption EncryptionFactory, list ...Provider) (*Registry, error) {
	registry := &Registry{codec: newCodec, chooser: newChooser, encryption: newEncryption}
	for _, provider := range list {
		if _, exists := registry.Lookup(provider.Kind, provider.Type); exists {
			return nil, fmt.Errorf("provider %s %q is registered twice", provider.Kind, provider.Type)
		}
		registry.providers = append(registry.providers, provider)
	}
	return registry, nil
}

// Lookup finds a provider by the two words of its block.
func (r *Registry) Lookup(kind Kind, typ string) (Provider, bool) {
	for _, provider := range r.providers {
		if provider.Kind == kind && provider.Type == typ {
			return provider, true
		}
	}
	return Provider{}, false
}

// Types lists the types of a kind in the order of registration.
func (r *Registry) Types(kind Kind) []string {
	var types []string
	for _, provider := range r.providers {
		if provider.Kind == kind {
			types = append(types, provider.Type)
		}
	}
	return types
}

// Codec makes the codec of a compression method; see CodecFactory.
func (r *Registry) Codec(method string, level int) (Codec, error) { return r.codec(method, level) }

// Encryption makes the encryption for recipients; see EncryptionFactory.
func (r *Registry) Encryption(recipients []string) (Encryption, []RecipientProblem) {
	return r.encryption(recipients)
}

// Chooser makes what chooses a compression by measuring; see ChooserFactory.
func (r *Registry) Chooser(preferences Preferences) (Chooser, error) { return r.chooser(preferences) }
