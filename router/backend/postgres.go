package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
)

// DialOptions say how to log in to a node.
type DialOptions struct {
	// Node is the node's name, for errors and Conn.Node.
	Node topology.NodeID
	// DSN is the node's connection string, anything libpq takes: URL or
	// keywords, several hosts, TLS modes. It holds a password. What it leaves
	// out is taken from the PG* environment variables and the password file, as
	// every PostgreSQL client does. Required.
	DSN string
	// User, Password and Database override what the DSN says unless empty. The
	// DSN's password is never sent for another user than its own.
	User, Password, Database string
	// ApplicationName is shown by the server in pg_stat_activity. Default: what
	// the DSN says, else "shardproxy".
	ApplicationName string
	// Registration says as what the connection registers on the node, in its first
	// statement; it is called after the login, by the goroutine that dials. A node
	// that refuses gives a *noderegistry.Refusal. Nil: the connection does not
	// register, and no node can cut it off.
	Registration func() noderegistry.Registration
	// OnConnect runs after that; an error ends the connection. It may run
	// statements and must leave the connection idle, outside a transaction.
	OnConnect func(ctx context.Context, pg *pgconn.PgConn) error
	// AllowStandby accepts a server in recovery, whose rows may be old.
	AllowStandby bool
}

// String names the node; it holds no secret.
func (o DialOptions) String() string { return fmt.Sprintf("login to node %q", o.Node) }

// DialPostgres logs in to a PostgreSQL server (manual, section 55.2.1 Start-up)
// and takes the connection over. Of several hosts it takes the first that
// accepts the login and is no standby. No error contains a password; a server's
// refusal is wrapped as *pgconn.PgError.
func DialPostgres(ctx context.Context, o DialOptions) (*Conn, error) {
	c, err := dialPostgres(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("connect to node %q: %w", o.Node, err)
	}
	return c, nil
}

func dialPostgres(ctx context.Context, o DialOptions) (*Conn, error) {
	cfg, err := o.config()
	if err != nil {
		return nil, err
	}
	cancel := &cancelRequest{dialer: dialer()}
	cfg.DialFunc = cancel.dial
	pg, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	epoch, err := register(ctx, pg, o.Registration)
	if err != nil {
		_ = pg.Conn().Close() // what matters is err
		return nil, err
	}
	hijacked, err := takeOver(ctx, pg, o.OnConnect)
	if err != nil {
		_ = pg.Conn().Close()
		return nil, err
	}
	cancel.prepare(hijacked)
	c, err := NewConn(hijacked.Conn, ConnOptions{
		Node:       o.Node,
		PID:        hijacked.PID,
		Secret:     hijacked.SecretKey,
		Parameters: maps.Clone(hijacked.ParameterStatuses),
		Epoch:      epoch,
		SendCancel: cancel.send,
		Terminate:  pgwire.AppendTerminate(nil),
	})
	if err != nil {
		_ = hijacked.Conn.Close()
		return nil, err
	}
	return c, nil
}

// register registers the connection and returns the epoch it did so by.
func register(ctx context.Context, pg *pgconn.PgConn, as func() noderegistry.Registration) (topology.Epoch, error) {
	if as == nil {
		return 0, nil
	}
	r := as()
	return topology.Epoch(r.Epoch), noderegistry.Register(ctx, pg, r)
}

// takeOver runs the hook and takes the connection out of pg's hands, with
// nothing left in its buffers.
func takeOver(
	ctx context.Context, pg *pgconn.PgConn, hook func(context.Context, *pgconn.PgConn) error,
) (*pgconn.HijackedConn, error) {
	if hook != nil {
		if err := hook(ctx, pg); err != nil {
			return nil, err
		}
	}
	if status := pg.TxStatus(); status != pgwire.TxIdle {
		return nil, fmt.Errorf("the connection was left in transaction status %q", status)
	}
	if err := pg.SyncConn(ctx); err != nil {
		return nil, err
	}
	return pg.Hijack()
}

// config returns how pgconn is to connect.
func (o DialOptions) config() (*pgconn.Config, error) {
	cfg, err := pgconn.ParseConfig(o.DSN)
	if err != nil {
		// The error quotes the DSN, whose password cannot always be found in it.
		return nil, errors.New("the DSN is malformed, or a file that it names cannot be read")
	}
	switch {
	case o.User != "" && o.User != cfg.User:
		cfg.User, cfg.Password = o.User, o.Password
	case o.Password != "":
		cfg.Password = o.Password
	}
	if o.Database != "" {
		cfg.Database = o.Database
	}
	if o.ApplicationName != "" {
		cfg.RuntimeParams["application_name"] = o.ApplicationName
	} else if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "shardproxy"
	}
	if !o.AllowStandby {
		cfg.ValidateConnect = refuseStandby(cfg.ValidateConnect)
	}
	return cfg, nil
}

// refuseStandby lets pgconn try the next host where a server says at login that
// it is in recovery (PostgreSQL 14 and above), and then asks next.
func refuseStandby(next pgconn.ValidateConnectFunc) pgconn.ValidateConnectFunc {
	return func(ctx context.Context, pg *pgconn.PgConn) error {
		if pg.ParameterStatus("in_hot_standby") == "on" {
			return ErrStandby
		}
		if next != nil {
			return next(ctx, pg)
		}
		return nil
	}
}

// vanished is how long a server may be silent towards TCP.
const vanished = time.Minute

// dialer makes connections that notice a vanished server within about a minute,
// whether something was sent to it or not. TCP_NODELAY is on, as always in Go.
func dialer() net.Dialer {
	return net.Dialer{
		KeepAliveConfig: net.KeepAliveConfig{
			Enable: true, Idle: vanished / 2, Interval: vanished / 6, Count: 3,
		},
		Control: limitSilence,
	}
}

// cancelTLS returns the TLS configuration for a connection's cancel requests;
// nil where the connection is not encrypted.
func cancelTLS(h *pgconn.HijackedConn) *tls.Config {
	if h.TLSConfig == nil {
		return nil
	}
	cfg := h.TLSConfig.Clone()
	if h.Config.SSLCertMode == "disable" {
		cfg.Certificates = nil
		cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return new(tls.Certificate), nil
		}
	}
	return cfg
}
