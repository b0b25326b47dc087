package starter

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// The last part of the names of images that hold a database of a kind.
var (
	postgresImages = []string{"postgres", "postgresql", "postgis", "timescaledb", "timescaledb-ha", "pgvector", "citus", "alloydbomni"}
	redisImages    = []string{"redis", "redis-stack", "redis-stack-server", "valkey"}
	otherDatabases = []string{
		"mysql", "mariadb", "percona", "mongo", "mongodb", "clickhouse", "clickhouse-server", "cassandra", "scylla", "elasticsearch",
		"opensearch", "influxdb", "neo4j", "couchdb", "cockroach", "etcd",
	}
)

const (
	postgresPort = 5432
	redisPort    = 6379
)

// finder turns a compose project into sources.
type finder struct {
	project *project
	folder  string
	starter *Starter
	// names are those of the sources so far.
	names map[string]bool
	// secrets are the values of the variables that were chosen.
	secrets map[string]string
	// database is the service whose database lives in a volume or folder, by that; taken are those that are sources already.
	database map[string]string
	taken    map[string]bool
}

// find goes through the services by alphabet: first the databases, then what the others keep.
func (f *finder) find() {
	type mount struct {
		service types.ServiceConfig
		volume  types.ServiceVolumeConfig
	}
	var mounts []mount
	for _, name := range f.project.ServiceNames() {
		service := f.project.Services[name]
		switch image := imageName(service.Image); {
		case slices.Contains(postgresImages, image):
			f.postgres(service)
		case slices.Contains(redisImages, image):
			f.redis(service)
		case slices.Contains(otherDatabases, image):
			f.own(service)
			f.leaveOut("service "+name, "a database of this kind ("+image+") has no source of its own; dump it with its own program in a source \"command\"")
		}
		for _, volume := range service.Volumes {
			mounts = append(mounts, mount{service, volume})
		}
	}
	for _, mount := range mounts {
		f.tree(mount.service, mount.volume)
	}
}

// imageName is the last part of an image's name, without tag and digest.
func imageName(image string) string {
	image, _, _ = strings.Cut(image, "@")
	image = image[strings.LastIndexByte(image, '/')+1:]
	image, _, _ = strings.Cut(image, ":")
	return strings.ToLower(image)
}

func (f *finder) leaveOut(what, why string) {
	f.starter.LeftOut = append(f.starter.LeftOut, Omission{What: printable(what), Why: printable(why)})
}

// own notes that what a service mounts is its database's, but for what it only reads.
func (f *finder) own(service types.ServiceConfig) {
	for _, volume := range service.Volumes {
		if volume.Source == "" || f.database[volume.Source] != "" || volume.ReadOnly || strings.HasPrefix(volume.Target, "/docker-entrypoint-initdb.d") {
			continue
		}
		f.database[volume.Source] = service.Name
		f.leaveOut(f.describe(volume), "it belongs to the database of "+service.Name+", and files copied while a database runs do not restore")
	}
}

// postgres adds a PostgreSQL service.
func (f *finder) postgres(service types.ServiceConfig) {
	f.own(service)
	user := first(value(service, "POSTGRES_USER"), value(service, "POSTGRESQL_USERNAME"), "postgres")
	database := first(value(service, "POSTGRES_DB"), value(service, "POSTGRESQL_DATABASE"), user)
	source := Source{Type: "postgres", Name: f.name(service.Name), Comments: []string{fmt.Sprintf("Service %s (%s).", service.Name, service.Image)}}
	for _, variable := range []string{"POSTGRES_USER_FILE", "POSTGRES_DB_FILE"} {
		if value(service, variable) != "" {
			source.Comments = append(source.Comments, variable+" is not read: correct the user and the database here.")
		}
	}
	place := published(service, postgresPort)
	if place == "" {
		source.Comments = append(source.Comments, "Its port is not published, so that pg_dump runs in its container.")
		source.Attributes = []Attribute{{"container", quote(f.container(service))}, {"user", quote(user)}, {"database", quote(database)}}
	} else {
		login := escape(user)
		if value(service, "POSTGRES_HOST_AUTH_METHOD") != "trust" {
			name := f.password(service, "POSTGRES_PASSWORD", "POSTGRESQL_PASSWORD")
			source.Comments = append(source.Comments, "The password is taken from the environment: "+name+".")
			login += fmt.Sprintf(":${replace(urlencode(%s), \"+\", \"%%20\")}", env(name))
		}
		source.Attributes = []Attribute{{"url", fmt.Sprintf("\"postgres://%s@%s/%s\"", login, place, escape(database))}}
	}
	f.starter.Sources = append(f.starter.Sources, source)
}

// escape writes a text as a part of a URL, whichever part that is.
func escape(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

// redis adds a Redis service.
func (f *finder) redis(service types.ServiceConfig) {
	f.own(service)
	source := Source{Type: "redis", Name: f.name(service.Name), Comments: []string{fmt.Sprintf("Service %s (%s).", service.Name, service.Image)}}
	if place := published(service, redisPort); place != "" {
		source.Attributes = []Attribute{{"address", quote(place)}}
	} else {
		source.Comments = append(source.Comments, "Its port is not published.")
		source.Attributes = []Attribute{{"container", quote(f.container(service))}}
	}
	if name := f.redisPassword(service); name != "" {
		source.Comments = append(source.Comments, "The password is taken from the environment: "+name+".")
		source.Attributes = append(source.Attributes, Attribute{"password", env(name)})
	}
	f.starter.Sources = append(f.starter.Sources, source)
}

// password chooses the variable of a password that is in the environment of a service under one of several names.
func (f *finder) password(service types.ServiceConfig, keys ...string) string {
	for _, key := range keys {
		if secret := value(service, key); secret != "" || f.project.written(service.Name, key) != "" {
			return f.secret(service.Name, key, f.project.written(service.Name, key), secret)
		}
	}
	// It comes from a file that only the container sees, or from elsewhere.
	return f.secret(service.Name, keys[0], "", "")
}

// redisPassword chooses the variable of a password that is in the environment or in the command of a service, if any is.
func (f *finder) redisPassword(service types.ServiceConfig) string {
	for _, key := range []string{"REDIS_PASSWORD", "VALKEY_PASSWORD"} {
		if value(service, key) != "" || f.project.written(service.Name, key) != "" {
			return f.password(service, key)
		}
	}
	words := strings.Fields(strings.Join(service.Command, " "))
	at := slices.Index(words, "--requirepass")
	if at < 0 {
		return ""
	}
	secret, text := "", ""
	if at+1 < len(words) {
		secret = words[at+1]
	}
	fields, _ := f.project.raw[service.Name].(map[string]any)
	written := strings.Fields(strings.NewReplacer("[", " ", "]", " ", "\"", " ", "'", " ").Replace(fmt.Sprint(fields["command"])))
	if at := slices.Index(written, "--requirepass"); at >= 0 && at+1 < len(written) {
		text = written[at+1]
	}
	return f.secret(service.Name, "REDIS_PASSWORD", text, secret)
}

// container is the name of a service's container.
func (f *finder) container(service types.ServiceConfig) string {
	return first(service.ContainerName, f.project.Name+"-"+service.Name+"-1")
}

// published is where a port of a service is reached from its machine, or nothing.
func published(service types.ServiceConfig, target uint32) string {
	if service.NetworkMode == "host" {
		return net.JoinHostPort("127.0.0.1", strconv.FormatUint(uint64(target), 10))
	}
	for _, port := range service.Ports {
		number, err := strconv.ParseUint(port.Published, 10, 16)
		if port.Target != target || err != nil || number == 0 || port.Protocol == "udp" {
			continue
		}
		host := port.HostIP
		if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		return net.JoinHostPort(host, port.Published)
	}
	return ""
}

// value is an environment variable of a service.
func value(service types.ServiceConfig, name string) string {
	if text := service.Environment[name]; text != nil {
		return *text
	}
	return ""
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
