package endpoint

import (
	"crypto/x509"
	"fmt"
	"os"
)

// Authorities reads the certificates (PEM) of those who may vouch for a server. The file is that of an attribute ca_file, which the
// errors name.
func Authorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("reading ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("ca_file %s has no certificates in PEM form", file)
	}
	return pool, nil
}
