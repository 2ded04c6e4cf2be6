package pgstartup

import (
	"crypto/tls"
	"errors"
	"fmt"
	"time"

	"shardproxy/protocol/sqlerr"
)

// TLSMode says what a SSLRequest is answered, and whether a login without TLS
// is served.
type TLSMode uint8

// The TLS modes.
const (
	TLSDisable TLSMode = iota + 1 // no TLS
	TLSPrefer                     // TLS for those who ask for it
	TLSRequire                    // no login without TLS
)

// String is the mode's name in the configuration.
func (m TLSMode) String() string {
	switch m {
	case TLSDisable:
		return "disable"
	case TLSPrefer:
		return "prefer"
	case TLSRequire:
		return "require"
	default:
		return fmt.Sprintf("TLSMode(%d)", uint8(m))
	}
}

// ParseTLSMode reads the name of a mode.
func ParseTLSMode(name string) (TLSMode, error) {
	for _, m := range []TLSMode{TLSDisable, TLSPrefer, TLSRequire} {
		if m.String() == name {
			return m, nil
		}
	}
	return 0, fmt.Errorf("unknown TLS mode %q: use disable, prefer or require", name)
}

// Defaults of Options.
const (
	DefaultLoginTimeout   = 60 * time.Second
	DefaultMaxStartupSize = 10000
)

// Options configure an Acceptor.
type Options struct {
	// TLS is the mode. Default: TLSDisable.
	TLS TLSMode
	// TLSConfig is asked for the configuration of each TLS connection, so that
	// certificates can be reloaded; nil means that there is none, and TLS is
	// refused. It must not change a configuration it has returned. Its
	// ClientAuth says whether clients need certificates of their own. Required
	// unless TLS is TLSDisable.
	TLSConfig func() *tls.Config
	// CertificateLogin lets a client in without a password if it has a
	// verified certificate whose common name is the user's name.
	CertificateLogin bool
	// Users knows who may log in. Required.
	Users Users
	// LoginTimeout is the time from Accept to Ready. Default:
	// DefaultLoginTimeout.
	LoginTimeout time.Duration
	// MaxStartupSize is the largest packet accepted before the login is
	// complete, in bytes. Default: DefaultMaxStartupSize, PostgreSQL's own.
	MaxStartupSize int
	// MockKey makes up the salts shown for users that do not exist. Equal keys
	// give equal salts, so that a user's existence does not show in them after
	// a restart or at another peer. Default: drawn by New.
	MockKey []byte
}

// Users knows who may log in. It is asked once per login and must be safe for
// concurrent use.
type Users interface {
	// Login returns what a user has to prove; false: there is no such user.
	Login(user, database string) (Login, bool)
}

// Login is what Users knows about a user and a database.
type Login struct {
	// Secret is what the client proves to know. The zero value is known by
	// nobody: such a user needs a certificate.
	Secret Secret
	// Denied, if not nil, refuses the login; the client learns it after it has
	// proved to be the user. It is for databases that do not exist or are not
	// the user's.
	Denied *sqlerr.Error
}

// complete sets the defaults and reports everything that is wrong.
func (o *Options) complete() error {
	if o.TLS == 0 {
		o.TLS = TLSDisable
	}
	if o.LoginTimeout == 0 {
		o.LoginTimeout = DefaultLoginTimeout
	}
	if o.MaxStartupSize == 0 {
		o.MaxStartupSize = DefaultMaxStartupSize
	}
	var errs []error
	if o.TLS > TLSRequire {
		errs = append(errs, fmt.Errorf("unknown TLS mode %d", o.TLS))
	}
	if o.TLS != TLSDisable && o.TLSConfig == nil {
		errs = append(errs, fmt.Errorf("TLS mode %s needs a TLS configuration", o.TLS))
	}
	if o.Users == nil {
		errs = append(errs, errors.New("no users are given"))
	}
	if o.LoginTimeout < 0 {
		errs = append(errs, fmt.Errorf("the login timeout is negative: %s", o.LoginTimeout))
	}
	if o.MaxStartupSize < minStartupSize || o.MaxStartupSize > maxStartupSize {
		errs = append(errs, fmt.Errorf("the startup size limit is %d: it must be between %d and %d",
			o.MaxStartupSize, minStartupSize, maxStartupSize))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("pgstartup: %w", err)
	}
	return nil
}

// The range of Options.MaxStartupSize.
const (
	minStartupSize = 512
	maxStartupSize = 1 << 20
)
