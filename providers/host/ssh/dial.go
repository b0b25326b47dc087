package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/castrolanda/imsctl/internal/cause"
	"github.com/castrolanda/imsctl/providers"
)

// timing is how long things take, so that tests can decide it.
type timing struct {
	// dial is how long a machine may take to let us in.
	dial time.Duration
	// ticker gives the moments at which a connection is asked whether it still lives, and a function that ends them.
	ticker func() (<-chan time.Time, func())
	// grace is how long a command that was asked to end has before it is forced.
	grace time.Duration
	// quiet is how long the output of a command that has ended may stay open in silence.
	quiet time.Duration
}

// usualTiming is that of the program.
func usualTiming() timing {
	return timing{
		dial: 20 * time.Second,
		ticker: func() (<-chan time.Time, func()) {
			ticker := time.NewTicker(10 * time.Second)
			return ticker.C, ticker.Stop
		},
		grace: 2 * time.Second,
		quiet: 2 * time.Second,
	}
}

// dial goes the way to a machine and returns the connections, that to the machine itself last.
func dial(ctx context.Context, way []endpoint, limit time.Duration) ([]*ssh.Client, error) {
	var clients []*ssh.Client
	for _, next := range way {
		through := (&net.Dialer{}).DialContext
		if len(clients) > 0 {
			through = clients[len(clients)-1].DialContext
		}
		client, err := enter(ctx, next, through, limit)
		if err != nil {
			closeAll(clients)
			return nil, fmt.Errorf("connecting to %s by SSH: %w", next, err)
		}
		clients = append(clients, client)
	}
	return clients, nil
}

// closeAll ends connections, the last first.
func closeAll(clients []*ssh.Client) {
	for _, client := range slices.Backward(clients) {
		client.Close() // it is given up, or broken already
	}
}

// enter connects to one machine and logs in.
func enter(ctx context.Context, e endpoint, through func(context.Context, string, string) (net.Conn, error), limit time.Duration) (*ssh.Client, error) {
	verifier, err := newVerifier(e)
	if err != nil {
		return nil, err
	}
	keys, err := findIdentities(e)
	if err != nil {
		return nil, err
	}
	defer keys.close()
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	connection, err := through(limited, "tcp", e.address())
	if err != nil {
		return nil, unreachable(ctx, limited, limit, err)
	}
	// The handshake knows no context.
	stop := context.AfterFunc(limited, func() { connection.Close() })
	made, channels, requests, err := ssh.NewClientConn(connection, verifier.name(), &ssh.ClientConfig{
		User:              e.user,
		Auth:              []ssh.AuthMethod{ssh.PublicKeys(keys.signers...)},
		HostKeyCallback:   verifier.verify,
		HostKeyAlgorithms: verifier.algorithms(),
	})
	if !stop() && err == nil {
		made.Close() // its time was over in this very moment
		err = limited.Err()
	}
	if err != nil {
		connection.Close()
		return nil, explain(ctx, limited, limit, verifier, keys, err)
	}
	return ssh.NewClient(made, channels, requests), nil
}

// unreachable says that there is nobody.
func unreachable(ctx, limited context.Context, limit time.Duration, err error) error {
	switch {
	case ctx.Err() != nil:
		return cause.Interruption(ctx)
	case limited.Err() != nil:
		return fmt.Errorf("%w: there was no answer within %s; is the machine up, and does a firewall let you through?", providers.ErrTemporary, limit)
	}
	return fmt.Errorf("%w: %w", providers.ErrTemporary, err)
}

// explain says why a machine did not let us in.
func explain(ctx, limited context.Context, limit time.Duration, verifier *verifier, keys *identities, err error) error {
	var algorithms *ssh.AlgorithmNegotiationError
	switch {
	case verifier.refusal != nil:
		return verifier.refusal
	case errors.As(err, &algorithms):
		return verifier.disagreement(algorithms)
	case ctx.Err() != nil || limited.Err() != nil:
		return unreachable(ctx, limited, limit, err)
	case strings.Contains(err.Error(), "unable to authenticate") || strings.Contains(err.Error(), "Too many authentication failures"):
		return refused(verifier.endpoint, keys)
	}
	return fmt.Errorf("%w: %w", providers.ErrTemporary, err)
}

// refused says which keys were offered in vain, and which could not be offered.
func refused(e endpoint, keys *identities) error {
	var offered []string
	for _, signer := range keys.signers {
		offered = append(offered, describe(signer.PublicKey()))
	}
	err := fmt.Errorf("%w: it does not let user %q in with any of these keys: %s. Add one of them to ~/.ssh/authorized_keys of that user there, or name another key or user",
		providers.ErrDenied, e.user, strings.Join(offered, ", "))
	return errors.Join(append([]error{err}, keys.problems...)...)
}
