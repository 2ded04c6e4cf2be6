// Package config reads shardproxy's configuration file.
//
// It owns the names, types, defaults and ranges of all keys (docs/configuration.md
// is checked against them). It is strict: an unknown key, a value of the wrong
// type or out of range, a reference to something that is not there is an error,
// and all of them are reported at once, each with file and line. Environment
// variables override the scalar keys outside lists and maps: SHARDPROXY_ and
// the key's path in capitals, with _ for the dots (SHARDPROXY_ADMIN_LISTEN).
//
// Load works in steps: defaults from the struct tags, the file, the
// environment, ranges from the struct tags, then what needs to be looked at
// together (validate.go). It opens no file but the configuration, so a missing
// certificate is found by whoever reads it.
package config

import "time"

// Config is the whole configuration. It is not changed after Load.
//
// Struct tags: yaml is the key, default its value when absent, oneof the
// allowed words, min and max the range (inclusive). Sections without a value
// in the file have their defaults.
type Config struct {
	Peer      Peer                `yaml:"peer"`
	Admin     Admin               `yaml:"admin"`
	Postgres  Postgres            `yaml:"postgres"`
	MySQL     MySQL               `yaml:"mysql"`
	Log       Log                 `yaml:"log"`
	Users     []User              `yaml:"users"`
	Databases map[string]Database `yaml:"databases"`
}

// Peer is this process as a member of a cluster of proxies.
type Peer struct {
	// ID names the process among its peers; default "proxy-1".
	ID string `yaml:"id" default:"proxy-1"`
	// DataDir keeps what must survive a restart; default /var/lib/shardproxy. It
	// is used with Bootstrap or Join only.
	DataDir string `yaml:"data_dir" default:"/var/lib/shardproxy"`
	Raft    Raft   `yaml:"raft"`
	// Bootstrap makes a new cluster of this peer, unless DataDir holds one
	// already; default false. Excludes Join.
	Bootstrap bool `yaml:"bootstrap" default:"false"`
	// Join lists admin addresses of peers of the cluster to become a member of,
	// unless DataDir holds a membership already.
	Join []string `yaml:"join"`
	// JoinTokenFile holds the bearer token of their admin API; empty: that of
	// Admin.TokenFile.
	JoinTokenFile string `yaml:"join_token_file" default:""`
	// JoinCA is a PEM file with the authorities that sign their admin API's
	// certificates; empty: the system's.
	JoinCA string `yaml:"join_ca" default:""`
	// Nonvoter keeps the peer from taking part in votes; default false. Other
	// peers vote while fewer than the flag max_voters do.
	Nonvoter bool `yaml:"nonvoter" default:"false"`
}

// Clustered reports whether the peer keeps a topology of its own, alone or with
// others. Otherwise it makes one of the configuration at each start.
func (p *Peer) Clustered() bool { return p.Bootstrap || len(p.Join) > 0 }

// Raft is the peers' own traffic.
type Raft struct {
	// Listen is host:port; default 127.0.0.1:7090. Beyond loopback it needs TLS.
	Listen string `yaml:"listen" default:"127.0.0.1:7090"`
	// Advertise is the host:port that the other peers use; empty: Listen.
	Advertise string  `yaml:"advertise" default:""`
	TLS       RaftTLS `yaml:"tls"`
}

// RaftTLS is the mutual TLS between peers. The three files belong together.
type RaftTLS struct {
	// Cert and Key are PEM files, shown to other peers as server and as client.
	Cert string `yaml:"cert" default:""`
	Key  string `yaml:"key" default:""`
	// CA is a PEM file of the authorities that sign all peers' certificates, and
	// nobody else's.
	CA string `yaml:"ca" default:""`
}

// Admin is the HTTP listener for metrics, health and shardctl.
type Admin struct {
	// Listen is host:port; default 127.0.0.1:7080. Beyond loopback it needs TLS
	// and a token or client certificates.
	Listen string `yaml:"listen" default:"127.0.0.1:7080"`
	// Advertise is the host:port that operators use, shown with the peer; empty:
	// Listen.
	Advertise string `yaml:"advertise" default:""`
	// TokenFile holds the bearer token callers must send, except for the health
	// checks; empty: none.
	TokenFile string   `yaml:"token_file" default:""`
	TLS       AdminTLS `yaml:"tls"`
}

// AdminTLS encrypts the admin listener when Cert is set.
type AdminTLS struct {
	// Cert and Key are PEM files.
	Cert string `yaml:"cert" default:""`
	Key  string `yaml:"key" default:""`
	// ClientCA is a PEM file; when set, callers must show a certificate of it.
	ClientCA string `yaml:"client_ca" default:""`
}

// Postgres is the listener for PostgreSQL clients.
type Postgres struct {
	// Listen is host:port; default 127.0.0.1:6432. Empty: no listener.
	Listen string      `yaml:"listen" default:"127.0.0.1:6432"`
	TLS    PostgresTLS `yaml:"tls"`
	// MaxClientConn is how many clients may be connected at once; default 10000.
	MaxClientConn int `yaml:"max_client_conn" default:"10000" min:"1" max:"1000000"`
	// LoginTimeout bounds the time from connecting to the end of the login;
	// default 15s.
	LoginTimeout time.Duration `yaml:"login_timeout" default:"15s" min:"100ms" max:"10m"`
	// MaxMessage is the largest message of a client in bytes; default 1GiB,
	// PostgreSQL's own limit.
	MaxMessage Size `yaml:"max_message" default:"1GiB" min:"64KiB" max:"1GiB"`
	// MaxStartup is the largest startup packet in bytes; default 10000B,
	// PostgreSQL's own limit.
	MaxStartup Size `yaml:"max_startup" default:"10000B" min:"1KiB" max:"1MiB"`
	// Keepalive is the TCP keepalive interval of client connections; default
	// 60s. 0s switches it off.
	Keepalive time.Duration `yaml:"keepalive" default:"60s" min:"0s" max:"24h"`
	// DrainTimeout is how long a stopping proxy waits for open transactions;
	// default 30s.
	DrainTimeout time.Duration `yaml:"drain_timeout" default:"30s" min:"0s" max:"24h"`
}

// PostgresTLS is what the listener says to SSLRequest.
type PostgresTLS struct {
	// Cert and Key are PEM files, read again on SIGHUP.
	Cert string `yaml:"cert" default:""`
	Key  string `yaml:"key" default:""`
	// ClientCA is a PEM file of the authorities that sign clients' certificates.
	ClientCA string `yaml:"client_ca" default:""`
	// Mode is disable, prefer (TLS for clients that ask; default) or require.
	// prefer without Cert is disable.
	Mode string `yaml:"mode" default:"prefer" oneof:"disable,prefer,require"`
	// ClientCert is none (default), verify (a certificate shown must be valid,
	// and one must be shown) or login (its common name is the user, no password).
	ClientCert string `yaml:"client_cert" default:"none" oneof:"none,verify,login"`
}

// MySQL is the listener for MySQL clients.
type MySQL struct {
	// Listen is host:port; default empty: no listener.
	Listen string `yaml:"listen" default:""`
}

// Log says what is logged, to standard error.
type Log struct {
	// Level is debug, info (default), warn or error.
	Level string `yaml:"level" default:"info" oneof:"debug,info,warn,error"`
	// Format is text (default) or json.
	Format string `yaml:"format" default:"text" oneof:"text,json"`
}

// User may log in to the proxy.
type User struct {
	Name string `yaml:"name"`
	// Password is the plain password. Exactly one of Password and Secret is
	// set, or none for users who log in by certificate.
	Password Secret `yaml:"password"`
	// Secret is a SCRAM-SHA-256 verifier as PostgreSQL stores it, or a MySQL
	// password hash.
	Secret Secret `yaml:"secret"`
	// Databases the user may name; empty: all.
	Databases []string `yaml:"databases"`
	// BackendUser and BackendPassword log in to the nodes; default: what the
	// node's DSN says.
	BackendUser     string `yaml:"backend_user" default:""`
	BackendPassword Secret `yaml:"backend_password"`
	// NodeHints allows the hint that names a node; default false.
	NodeHints bool `yaml:"node_hints" default:"false"`
	// SessionPooling keeps one backend per node for a client's whole session;
	// default false.
	SessionPooling bool `yaml:"session_pooling" default:"false"`
}
