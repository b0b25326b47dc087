package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// facts are what a server says of itself (INFO), by name.
type facts map[string]string

// parseFacts reads the reply of INFO: lines of NAME:VALUE under headings.
func parseFacts(text string) (facts, error) {
	found := make(facts)
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if ok && !strings.HasPrefix(name, "#") {
			found[name] = value
		}
	}
	if found["redis_version"] == "" {
		return nil, fmt.Errorf("it did not say its version")
	}
	return found, nil
}

// number is a fact that is a number; 0 where it is none.
func (f facts) number(name string) int64 {
	n, _ := strconv.ParseInt(f[name], 10, 64)
	return n
}

// versions are those of the server.
func (f facts) versions() map[string]string {
	versions := map[string]string{"server": f["redis_version"]}
	if valkey := f["valkey_version"]; valkey != "" {
		versions = map[string]string{"server": valkey + " (Valkey)"}
	}
	return versions
}

// info asks the server what it says of itself.
func (a *address) info(ctx context.Context) (facts, error) {
	s, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	reply, err := s.command("INFO")
	if err != nil {
		return nil, err
	}
	text, _ := reply.(string)
	found, err := parseFacts(text)
	if err != nil {
		return nil, fmt.Errorf("asking %s what it is: %w", a, err)
	}
	return found, nil
}
