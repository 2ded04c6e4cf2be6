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
	// Timeout bounds the work on one request; default 10s.
	Timeout time.Duration
	// MaxBody bounds a request's body in bytes; default 1 MiB.
	MaxBody int64
}

func (o Options) withDefaults() (Options, error) {
	if o.Timeout == 0 {
		o.Timeout = 10 * time.Second
	}
	if o.MaxBody == 0 {
		o.MaxBody = 1 << 20
	}
	var errs []error
	if o.Logger == nil {
		errs = append(errs, errors.New("option Logger is required"))
	}
	if o.Readiness == nil {
		errs = append(errs, errors.New("option Readiness is required"))
	}
	if o.Timeout < 0 || o.MaxBody < 0 {
		errs = append(errs, errors.New("options Timeout and MaxBody cannot be negative"))
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
