package admin

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"shardproxy/internal/config"
)

// Options of a Server. Sources that are nil answer 404.
type Options struct {
	// Config says where to listen, and names the files with certificate and
	// token.
	Config config.Admin
	// Version of the program, shown by /v1/status.
	Version string
	Logger  *slog.Logger // required
	// Gatherer is what /metrics shows.
	Gatherer prometheus.Gatherer
	// Readiness is asked by /readyz; required.
	Readiness Readiness
	Topology  Topology
	Pools     Pools
	Explainer Explainer
	// Cluster says how this peer stands among its peers.
	Cluster Cluster
	// Forwarder brings changes to the leader; nil: this peer decides alone.
	Forwarder Forwarder
	// Changes makes changes of users, flags, rules and limits.
	Changes Changes
	Members Members
	Nodes   NodeChanges
	// Resolver is asked where rules change; nil: they cannot.
	Resolver Resolver
	// Timeout bounds the work on one request; default 10s.
	Timeout time.Duration
	// ChangeTimeout bounds a request that changes something; default 60s.
	ChangeTimeout time.Duration
	// MaxBody bounds a request's body in bytes; default 1 MiB.
	MaxBody int64
	// MaxBackup bounds a backup that is to be restored, in bytes; default
	// 64 MiB.
	MaxBackup int64
}

func (o Options) withDefaults() (Options, error) {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	if o.ChangeTimeout == 0 {
		o.ChangeTimeout = 60 * time.Second
	}
	if o.MaxBackup == 0 {
		o.MaxBackup = maxAnswer
	}
	var errs []error
	if o.Logger == nil {
		errs = append(errs, errors.New("option Logger is required"))
	}
	if o.Readiness == nil {
		errs = append(errs, errors.New("option Readiness is required"))
	}
	if o.Timeout < 0 || o.ChangeTimeout < 0 || o.MaxBody < 0 || o.MaxBackup < 0 {
		errs = append(errs, errors.New("options Timeout, ChangeTimeout, MaxBody and MaxBackup cannot be negative"))
	}
	tls := o.Config.TLS
	if (tls.Cert == "") != (tls.Key == "") {
		errs = append(errs, errors.New("admin.tls: cert and key belong together"))
	}
	if tls.ClientCA != "" && tls.Cert == "" {
		errs = append(errs, errors.New("admin.tls.client_ca needs cert and key"))
	}
	local, err := listensOnLoopback(o.Config.Listen)
	switch {
	case err != nil:
		errs = append(errs, err)
	case !local && (tls.Cert == "" || (o.Config.TokenFile == "" && tls.ClientCA == "")):
		errs = append(errs, fmt.Errorf("admin.listen: %s can be reached from other machines: "+
			"set admin.tls.cert and key, and admin.token_file or admin.tls.client_ca; or listen on 127.0.0.1", o.Config.Listen))
	}
	return o, errors.Join(errs...)
}

// listensOnLoopback reports whether an address can be reached from this
// machine only. A host name other than localhost is taken for reachable:
// nobody knows what it resolves to tomorrow.
func listensOnLoopback(addr string) (bool, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false, fmt.Errorf("admin.listen: %q is not host:port", addr)
	}
	return isLoopback(host), nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
