package pgstartup

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/protocol/sqlerr"
)

// connect logs in with pgconn and runs an empty query.
func connect(t testing.TB, s *testServer, settings string, change func(*pgconn.Config)) (*pgconn.PgConn, error) {
	t.Helper()
	dsn := fmt.Sprintf("host=127.0.0.1 port=%d %s", s.addr.Port, settings)
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(cfg)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	conn, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	if err := conn.Exec(ctx, "").Close(); err != nil {
		t.Fatalf("a query after the login: %v", err)
	}
	return conn, nil
}

// refused is the ErrorResponse a client got.
func refused(t testing.TB, err error) *pgconn.PgError {
	t.Helper()
	e, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		t.Fatalf("the client got %v, want an ErrorResponse", err)
	}
	return e
}

func TestPasswords(t *testing.T) {
	s := startServer(t, Options{})
	for _, c := range []struct{ user, password, sqlstate string }{
		{"app", "app-password", ""},
		{"stored", "geheim", ""},
		{"prepped", "passIXword", ""},
		{"plainprepped", "passIXword", ""},
		{"emoji", "\U0001f600 pass", ""},
		{"app", "App-password", "28P01"},
		{"app", "x", "28P01"},
		{"stored", "app-password", "28P01"},
		{"nobody", "app-password", "28P01"},
		{"unknown", "app-password", "28P01"},
	} {
		t.Run(c.user+"/"+c.password, func(t *testing.T) {
			conn, err := connect(t, s, "sslmode=disable user="+c.user, func(cfg *pgconn.Config) { cfg.Password = c.password })
			o := s.outcome(t)
			if c.sqlstate == "" {
				if err != nil || o.err != nil {
					t.Fatalf("client: %v, server: %v", err, o.err)
				}
				if o.result.User != c.user || o.result.Database != c.user || o.result.Encrypted {
					t.Fatalf("result %+v", o.result)
				}
				if v := conn.ParameterStatus("server_version"); v != "15.7" {
					t.Fatalf("server_version %q", v)
				}
				return
			}
			e := refused(t, err)
			if e.Code != c.sqlstate || e.Severity != "FATAL" {
				t.Fatalf("the client got %s %s", e.Severity, e.Code)
			}
			want := `password authentication failed for user "` + c.user + `"`
			if e.Message != want {
				t.Fatalf("message %q, want %q", e.Message, want)
			}
			wantSQLState(t, o.err, c.sqlstate)
		})
	}
}

func TestDeniedIsSaidAfterThePassword(t *testing.T) {
	s := startServer(t, Options{})
	for password, sqlstate := range map[string]string{"app-password": "3D000", "wrong": "28P01"} {
		_, err := connect(t, s, "sslmode=disable user=app dbname=missing password="+password, nil)
		if e := refused(t, err); e.Code != sqlstate || e.Severity != "FATAL" {
			t.Errorf("password %s: %s %s", password, e.Severity, e.Code)
		}
		wantSQLState(t, s.outcome(t).err, sqlstate)
	}
}

func TestSettings(t *testing.T) {
	s := startServer(t, Options{})
	_, err := connect(t, s, "sslmode=disable user=app password=app-password dbname=shop application_name=job", func(cfg *pgconn.Config) {
		cfg.RuntimeParams["options"] = `-c geqo=off --statement-timeout=5s -csearch_path=a\ b`
		cfg.RuntimeParams["TimeZone"] = "Asia/Tokyo"
	})
	if err != nil {
		t.Fatal(err)
	}
	r := s.outcome(t).result
	if r.Database != "shop" {
		t.Fatalf("database %q", r.Database)
	}
	options := []Setting{{"geqo", "off"}, {"statement_timeout", "5s"}, {"search_path", "a b"}}
	if diff := cmp.Diff(options, r.Settings[:3]); diff != "" {
		t.Errorf("settings of options (-want +got):\n%s", diff)
	}
	got := map[string]string{}
	for _, p := range r.Settings[3:] {
		got[p.Name] = p.Value
	}
	want := map[string]string{"TimeZone": "Asia/Tokyo", "application_name": "job"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings of the packet (-want +got):\n%s", diff)
	}
}

func TestVersions(t *testing.T) {
	s := startServer(t, Options{})
	key := []byte("a cancel key of 32 bytes, though")
	s.ready = func(r *Result) error {
		if r.Version.LongKeys() {
			return r.Ready(nil, CancelKey{7, key})
		}
		return r.Ready(nil, CancelKey{7, key[:4]})
	}
	for proto, want := range map[string]Version{"3.0": Version30, "3.2": Version32, "latest": Version32} {
		conn, err := connect(t, s, "sslmode=disable user=app password=app-password max_protocol_version="+proto, nil)
		if err != nil {
			t.Fatalf("%s: %v", proto, err)
		}
		r := s.outcome(t).result
		if r.Version != want {
			t.Errorf("%s: version %s, want %s", proto, r.Version, want)
		}
		secret := string(conn.SecretKey())
		if wantKey := string(key); r.Version.LongKeys() && secret != wantKey || !r.Version.LongKeys() && secret != wantKey[:4] {
			t.Errorf("%s: the client has the key %q", proto, secret)
		}
		if err := conn.CancelRequest(context.Background()); err != nil {
			t.Errorf("%s: cancel: %v", proto, err)
		}
		o := s.outcome(t)
		if o.err != nil || o.result.Cancel == nil {
			t.Fatalf("%s: the cancel request gave %+v", proto, o)
		}
		if diff := cmp.Diff(CancelKey{7, []byte(secret)}, *o.result.Cancel); diff != "" {
			t.Errorf("%s: cancel key (-want +got):\n%s", proto, diff)
		}
	}
}

func TestFailAfterAuthentication(t *testing.T) {
	s := startServer(t, Options{})
	cause := sqlerr.NodeUnavailable("pg-1").Wrap(errors.New("dial tcp: refused"))
	s.ready = func(r *Result) error {
		if err := r.Fail(fmt.Errorf("fetch parameters: %w", cause)); err != nil {
			t.Errorf("Fail: %v", err)
		}
		return cause
	}
	_, err := connect(t, s, "sslmode=disable user=app password=app-password", nil)
	if e := refused(t, err); e.Code != "08001" || e.Severity != "FATAL" || strings.Contains(e.Message, "refused") {
		t.Fatalf("the client got %+v", e)
	}
}

func TestTLSModes(t *testing.T) {
	ca := newAuthority(t)
	for _, c := range []struct {
		mode     TLSMode
		sslmode  string
		ok       bool
		sqlstate string // of the refusal, where the client gets one
	}{
		{TLSDisable, "disable", true, ""},
		{TLSDisable, "prefer", true, ""},
		{TLSDisable, "require", false, ""},
		{TLSPrefer, "disable", true, ""},
		{TLSPrefer, "prefer", true, ""},
		{TLSPrefer, "require", true, ""},
		{TLSPrefer, "verify-full", true, ""},
		{TLSRequire, "disable", false, "28000"},
		{TLSRequire, "prefer", true, ""},
		{TLSRequire, "verify-full", true, ""},
	} {
		for _, negotiation := range []string{"postgres", "direct"} {
			if negotiation == "direct" && (c.sslmode == "disable" || c.sslmode == "prefer" || c.mode == TLSDisable) {
				continue
			}
			t.Run(fmt.Sprintf("%s/%s/%s", c.mode, c.sslmode, negotiation), func(t *testing.T) {
				s := startServer(t, Options{TLS: c.mode, TLSConfig: ca.serverConfig(t)})
				_, err := connect(t, s, "user=app password=app-password sslmode="+c.sslmode+" sslnegotiation="+negotiation,
					func(cfg *pgconn.Config) {
						if cfg.TLSConfig != nil && c.sslmode == "verify-full" {
							cfg.TLSConfig.RootCAs = ca.pool
						}
					})
				if (err == nil) != c.ok {
					t.Fatalf("the client got %v", err)
				}
				if c.sqlstate != "" && refused(t, err).Code != c.sqlstate {
					t.Fatalf("the client got %v", err)
				}
				if !c.ok {
					return
				}
				wantTLS := c.mode != TLSDisable && c.sslmode != "disable"
				o := s.outcome(t)
				if errors.Is(o.err, ErrClientGone) { // pgx dials again after an N
					o = s.outcome(t)
				}
				if o.err != nil || o.result.Encrypted != wantTLS {
					t.Fatalf("outcome %+v, %v", o.result, o.err)
				}
			})
		}
	}
}

func TestChannelBinding(t *testing.T) {
	ca := newAuthority(t)
	one := ca.serverConfig(t)
	two := one().Clone()
	two.Certificates = append(two.Certificates, ca.issue(t, "other"))
	for _, c := range []struct {
		name, binding string
		config        func() *tls.Config
		want          string // part of the client's own error
	}{
		{"require", "require", one, ""},
		{"prefer", "prefer", one, ""},
		{"disable", "disable", one, ""},
		{"prefer, two certificates", "prefer", func() *tls.Config { return two }, ""},
		{"require, two certificates", "require", func() *tls.Config { return two }, "channel binding required"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, Options{TLS: TLSRequire, TLSConfig: c.config})
			_, err := connect(t, s, "user=app password=app-password sslmode=require channel_binding="+c.binding, nil)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Fatalf("the client got %v, want %q", err, c.want)
			}
		})
	}
}

func TestCertificatesAreReloaded(t *testing.T) {
	first, second := newAuthority(t), newAuthority(t)
	configs := make(chan func() *tls.Config, 2)
	configs <- first.serverConfig(t)
	configs <- second.serverConfig(t)
	s := startServer(t, Options{TLS: TLSRequire, TLSConfig: func() *tls.Config { return (<-configs)() }})
	for _, ca := range []*authority{first, second} {
		_, err := connect(t, s, "user=app password=app-password sslmode=verify-full",
			func(cfg *pgconn.Config) { cfg.TLSConfig.RootCAs = ca.pool })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestClientCertificates(t *testing.T) {
	ca, stranger := newAuthority(t), newAuthority(t)
	base := ca.serverConfig(t)().Clone()
	base.ClientCAs = ca.pool
	given, required := base.Clone(), base.Clone()
	given.ClientAuth = tls.VerifyClientCertIfGiven
	required.ClientAuth = tls.RequireAndVerifyClientCert
	own, other, forged := ca.issue(t, "app"), ca.issue(t, "stored"), stranger.issue(t, "app")
	ghost, nobody := ca.issue(t, "unknown"), ca.issue(t, "nobody")
	for _, c := range []struct {
		name     string
		config   *tls.Config
		login    bool
		cert     *tls.Certificate
		user     string
		password string
		ok       bool
		sqlstate string // "": the client gets a TLS alert
	}{
		{"own certificate, no password", given, true, &own, "app", "", true, ""},
		{"own certificate, user without a secret", given, true, &nobody, "nobody", "", true, ""},
		{"no certificate, password", given, true, nil, "app", "app-password", true, ""},
		{"another's certificate", given, true, &other, "app", "", false, "28P01"},
		{"another's certificate and the password", given, true, &other, "app", "app-password", true, ""},
		{"certificate of an unknown user", given, true, &ghost, "unknown", "", false, "28P01"},
		{"forged certificate", given, true, &forged, "app", "app-password", false, ""},
		{"certificates do not log in", given, false, &own, "app", "x", false, "28P01"},
		{"required and given, password too", required, false, &own, "app", "app-password", true, ""},
		{"required and missing", required, true, nil, "app", "app-password", false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, Options{
				TLS: TLSRequire, CertificateLogin: c.login,
				TLSConfig: func() *tls.Config { return c.config },
			})
			_, err := connect(t, s, "sslmode=require user="+c.user, func(cfg *pgconn.Config) {
				cfg.Password = c.password
				if c.cert != nil {
					// Given even where the server does not name its authority.
					cfg.TLSConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return c.cert, nil }
				}
			})
			o := s.outcome(t)
			if (err == nil) != c.ok || (o.err == nil) != c.ok {
				t.Fatalf("client: %v, server: %v", err, o.err)
			}
			if c.sqlstate != "" {
				if e := refused(t, err); e.Code != c.sqlstate {
					t.Fatalf("the client got %v", e)
				}
			}
			if !c.ok && c.sqlstate == "" {
				wantSQLState(t, o.err, "28000")
			}
		})
	}
}
