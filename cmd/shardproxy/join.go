package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"shardproxy/admin"
	"shardproxy/internal/config"
	"shardproxy/meta"
)

// The waits between two rounds of asking peers to let this one join.
const (
	firstJoinRetry = 200 * time.Millisecond
	lastJoinRetry  = 5 * time.Second
	// refusalPatience is how long a refusal is not taken for the last word: the
	// cluster may still hear of an earlier start of this peer.
	refusalPatience = 15 * time.Second
)

// join asks the peers of the configuration to take this one in, and waits until it
// has the cluster's topology. A peer that is a member already, and was stopped
// before it had one, asks again: that does no harm. One that may not ask waits for
// an operator to add it.
func (e *engine) join(ctx context.Context, c *config.Config, logger *slog.Logger) error {
	clients, err := joinClients(c)
	if err != nil {
		return withCode(exitConfig, err)
	}
	defer func() {
		for _, client := range clients {
			client.Close()
		}
	}()
	request := joinRequest(e.store, c.Peer.Nonvoter)
	began := time.Now()
	for wait := firstJoinRetry; e.store.Current() == nil; wait = min(2*wait, lastJoinRetry) {
		for i, client := range clients {
			_, err := client.JoinPeer(ctx, request)
			if err == nil {
				logger.Info("joined", "by", c.Peer.Join[i])
				return e.waitForMembership(ctx)
			}
			logger.Warn("not joined yet", "asked", c.Peer.Join[i], "error", err)
			if refused(err) && time.Since(began) > refusalPatience {
				return fmt.Errorf("join the cluster by %s: %w", c.Peer.Join[i], err)
			}
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// refused reports whether to ask again would be answered the same.
func refused(err error) bool {
	problem, ok := errors.AsType[*admin.Problem](err)
	if !ok {
		return false
	}
	switch problem.Code {
	case admin.CodeNoLeader, admin.CodeTimeout, admin.CodeNotReady, admin.CodeUnauthorized:
		return false
	}
	return true
}

func (e *engine) waitForMembership(ctx context.Context) error {
	if err := e.store.Wait(ctx, 1); err != nil {
		return fmt.Errorf("wait for the cluster's topology: %w", err)
	}
	return nil
}

func joinRequest(s *meta.Store, nonvoter bool) admin.PeerJoin {
	self := s.Self()
	return admin.PeerJoin{
		ID: string(self.ID), Raft: self.Raft, Admin: self.Admin, Nonvoter: nonvoter,
		Incarnation: self.Incarnation, Commands: self.Commands, New: s.IsNew(),
	}
}

// joinClients makes a client for each peer to ask. The caller closes them.
func joinClients(c *config.Config) ([]*admin.Client, error) {
	tokenFile := c.Peer.JoinTokenFile
	if tokenFile == "" {
		tokenFile = c.Admin.TokenFile
	}
	token := ""
	if tokenFile != "" {
		var err error
		if token, err = admin.ReadToken(tokenFile); err != nil {
			return nil, fmt.Errorf("peer.join_token_file: %w", err)
		}
	}
	config, err := joinTLS(c)
	if err != nil {
		return nil, err
	}
	var clients []*admin.Client
	for _, address := range c.Peer.Join {
		client, err := admin.NewClient(admin.ClientOptions{Addr: joinURL(c, address), Token: token, TLS: config})
		if err != nil {
			return nil, fmt.Errorf("peer.join: %w", err)
		}
		clients = append(clients, client)
	}
	return clients, nil
}

// joinURL completes an address. Peers are alike, so where this one's admin API
// has TLS the others' have it.
func joinURL(c *config.Config, address string) string {
	switch {
	case strings.Contains(address, "://"):
		return address
	case c.Admin.TLS.Cert != "" || c.Peer.JoinCA != "":
		return "https://" + address
	default:
		return "http://" + address
	}
}

// joinTLS shows this peer's own admin certificate, for peers that ask for one.
func joinTLS(c *config.Config) (*tls.Config, error) {
	if c.Peer.JoinCA == "" && c.Admin.TLS.Cert == "" {
		return nil, nil
	}
	t := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.Peer.JoinCA != "" {
		pool, err := admin.ReadPool(c.Peer.JoinCA)
		if err != nil {
			return nil, fmt.Errorf("peer.join_ca: %w", err)
		}
		t.RootCAs = pool
	}
	if c.Admin.TLS.Cert != "" {
		certificate, err := tls.LoadX509KeyPair(c.Admin.TLS.Cert, c.Admin.TLS.Key)
		if err != nil {
			return nil, fmt.Errorf("admin.tls: %w", err)
		}
		t.Certificates = []tls.Certificate{certificate}
	}
	return t, nil
}
