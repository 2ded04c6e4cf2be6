package integration

import (
	"crypto/tls"
	byteorder "encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Codes of the packets without a type byte.
const (
	protocol30    = 3 << 16
	sslRequest    = 80877103
	gssencRequest = 80877104
)

// packet is a message without a type byte: length, code, rest.
func packet(code uint32, rest string) []byte {
	b := byteorder.BigEndian.AppendUint32(nil, uint32(8+len(rest)))
	b = byteorder.BigEndian.AppendUint32(b, code)
	return append(b, rest...)
}

// startupPacket is a StartupMessage of names and values.
func startupPacket(version uint32, pairs ...string) []byte {
	var b strings.Builder
	for _, text := range pairs {
		b.WriteString(text + "\x00")
	}
	return packet(version, b.String()+"\x00")
}

// raw is a connection on which bytes are written and read.
type raw struct {
	t testing.TB
	net.Conn
}

func (p *proxy) raw() *raw {
	p.t.Helper()
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &raw{t: p.t, Conn: conn}
}

func (r *raw) write(parts ...[]byte) {
	r.t.Helper()
	if _, err := r.Write(slices.Concat(parts...)); err != nil {
		r.t.Fatal(err)
	}
}

// byte is the one byte that answers a request for encryption.
func (r *raw) byte() string {
	r.t.Helper()
	b := make([]byte, 1)
	if _, err := io.ReadFull(r, b); err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

// rest is what comes until the other side closes, as messages in short form.
func (r *raw) rest() []string {
	r.t.Helper()
	var list []string
	frontend := pgproto3.NewFrontend(r, r)
	for {
		m, err := frontend.Receive()
		var timeout net.Error
		switch {
		case errors.As(err, &timeout) && timeout.Timeout():
			r.t.Fatalf("still open after %q", list)
		case err != nil:
			return list
		}
		list = append(list, short(m))
	}
}

// messages reads n messages.
func (r *raw) messages(n int) []pgproto3.BackendMessage {
	r.t.Helper()
	frontend := pgproto3.NewFrontend(r, r)
	var list []pgproto3.BackendMessage
	for range n {
		m, err := frontend.Receive()
		if err != nil {
			r.t.Fatalf("after %d messages: %v", len(list), err)
		}
		list = append(list, m)
	}
	return list
}

func login(pairs ...string) []byte {
	return startupPacket(protocol30, append([]string{"user", "app", "database", "app"}, pairs...)...)
}

// What a client may say before its startup message, by the listener's mode.
func TestEncryptionRequests(t *testing.T) {
	t.Parallel()
	certs := newCertificates(t)
	ask, gss := packet(sslRequest, ""), packet(gssencRequest, "")
	for mode, section := range map[string]string{
		"no certificate": "", "prefer": certs.section("prefer"), "require": certs.section("require"), "disable": certs.section("disable"),
	} {
		t.Run(mode, func(t *testing.T) {
			p := start(t, options{postgres: section})
			encrypted := mode == "prefer" || mode == "require"
			want := "N"
			if encrypted {
				want = "S"
			}
			r := p.raw()
			r.write(gss)
			if got := r.byte(); got != "N" {
				t.Errorf("GSSENCRequest: %q", got)
			}
			r.write(ask)
			if got := r.byte(); got != want {
				t.Errorf("SSLRequest after GSSENCRequest: %q, want %q", got, want)
			}
			for name, parts := range map[string][][]byte{
				"a startup behind SSLRequest": {ask, login()},
				"a byte behind SSLRequest":    {ask, {0}},
				"two SSLRequests":             {ask, ask},
				"a query behind SSLRequest":   {ask, []byte("Q\x00\x00\x00\x0dSELECT 1\x00")},
				"a startup behind GSSENC":     {gss, login()},
			} {
				r := p.raw()
				r.write(parts...)
				if got := r.rest(); !slices.Equal(got, []string{"E 08P01"}) {
					t.Errorf("%s: %q, want one refusal", name, got)
				}
			}
			for sslmode, ok := range map[string]bool{"disable": mode != "require", "prefer": true, "require": encrypted} {
				conn, err := pgx.Connect(t.Context(), strings.Replace(p.dsn(), "sslmode=disable", "sslmode="+sslmode, 1))
				if (err == nil) != ok {
					t.Errorf("sslmode=%s: %v", sslmode, err)
				}
				if err != nil {
					continue
				}
				_, secure := conn.PgConn().Conn().(*tls.Conn)
				if want := encrypted && sslmode != "disable"; secure != want {
					t.Errorf("sslmode=%s: encrypted %t, want %t", sslmode, secure, want)
				}
				if got := query(t, conn, "SELECT 1"); !slices.Equal(got, []string{"1"}) {
					t.Errorf("sslmode=%s: %q", sslmode, got)
				}
				closeNow(conn)
			}
			if mode == "require" {
				r := p.raw()
				r.write(login())
				if got := r.rest(); !slices.Equal(got, []string{"E 28000"}) {
					t.Errorf("a startup in the clear: %q", got)
				}
			}
		})
	}
}

// Startup messages of all kinds: one error, and the connection is closed, or the
// login goes on.
func TestStartupMessages(t *testing.T) {
	t.Parallel()
	p := start(t, options{})
	const asks = "the password is asked for"
	tests := []struct {
		name string
		sent []byte
		want string
	}{
		{"all well", login(), asks},
		{"no database: the user's name", startupPacket(protocol30, "user", "app"), asks},
		{"no user", startupPacket(protocol30, "database", "app"), "E 28000"},
		{"an empty user", startupPacket(protocol30, "user", "", "database", "app"), "E 28000"},
		{"nobody knows the user", startupPacket(protocol30, "user", "nobody", "database", "app"), asks},
		{"no end", packet(protocol30, "user\x00app"), "E 08P01"},
		{"a name without a value", packet(protocol30, "user\x00app\x00database\x00"), "E 08P01"},
		{"no parameters at all", packet(protocol30, "\x00"), "E 28000"},
		{"nothing", packet(protocol30, ""), "E 08P01"},
		{"protocol 4", startupPacket(4<<16, "user", "app"), "E 0A000"},
		{"too long", append(byteorder.BigEndian.AppendUint32(nil, 1<<20), "\x00\x03\x00\x00"...), "E 08P01"},
		{"far too long", []byte("\x7f\xff\xff\xff\x00\x03\x00\x00"), "E 08P01"},
		{"a negative length", []byte("\xff\xff\xff\xff\x00\x03\x00\x00"), "E 08P01"},
		{"length 0", []byte("\x00\x00\x00\x00\x00\x03\x00\x00"), "E 08P01"},
		{"length 7", []byte("\x00\x00\x00\x07\x00\x03\x00\x00"), "E 08P01"},
		{"an HTTP request", []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "E 08P01"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := p.raw()
			r.write(tt.sent)
			if tt.want == asks {
				if m := r.messages(1)[0]; !asksForSCRAM(m) {
					t.Errorf("got %s", short(m))
				}
				return
			}
			if got := r.rest(); !slices.Equal(got, []string{tt.want}) {
				t.Errorf("got %q, want %s", got, tt.want)
			}
		})
	}
	// Old protocols have an ErrorResponse of their own: a text.
	for major := range uint32(3) {
		r := p.raw()
		r.write(packet(major<<16, strings.Repeat("\x00", 288)))
		got, _ := io.ReadAll(r)
		want := fmt.Sprintf("unsupported frontend protocol %d.0", major)
		if len(got) == 0 || got[0] != 'E' || got[len(got)-1] != 0 || !strings.Contains(string(got), want) {
			t.Errorf("protocol %d: %q", major, got)
		}
	}
	if got := query(t, p.connect(), "SELECT 1"); got[0] != "1" {
		t.Errorf("after all that: %q", got)
	}
}

func asksForSCRAM(m pgproto3.BackendMessage) bool {
	sasl, ok := m.(*pgproto3.AuthenticationSASL)
	return ok && slices.Contains(sasl.AuthMechanisms, "SCRAM-SHA-256")
}

// Newer protocols: the proxy says what it speaks and which options it does not
// know, and goes on.
func TestProtocolVersions(t *testing.T) {
	t.Parallel()
	p := start(t, options{})
	tests := []struct {
		name    string
		version uint32
		extra   []string
		want    *pgproto3.NegotiateProtocolVersion
	}{
		{"3.0", protocol30, nil, nil},
		{"3.2", protocol30 + 2, nil, nil},
		{"3.9", protocol30 + 9, nil, &pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: 2}},
		{"3.0 with an option", protocol30, []string{"_pq_.x", "1"}, &pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: 0, UnrecognizedOptions: []string{"_pq_.x"}}},
		{"3.9 with options", protocol30 + 9, []string{"_pq_.x", "1", "_pq_.y", ""}, &pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: 2, UnrecognizedOptions: []string{"_pq_.x", "_pq_.y"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := p.raw()
			r.write(startupPacket(tt.version, append([]string{"user", "app", "database", "app"}, tt.extra...)...))
			if tt.want == nil {
				if m := r.messages(1)[0]; !asksForSCRAM(m) {
					t.Errorf("got %s", short(m))
				}
				return
			}
			frontend := pgproto3.NewFrontend(r, r)
			m, err := frontend.Receive()
			if err != nil {
				t.Fatal(err)
			}
			got, ok := m.(*pgproto3.NegotiateProtocolVersion)
			if !ok {
				t.Fatalf("got %s", short(m))
			}
			if got.NewestMinorProtocol&0xffff != tt.want.NewestMinorProtocol {
				t.Errorf("the newest minor version is %d, want %d", got.NewestMinorProtocol, tt.want.NewestMinorProtocol)
			}
			if !slices.Equal(tt.want.UnrecognizedOptions, got.UnrecognizedOptions) {
				t.Errorf("unknown options %q, want %q", got.UnrecognizedOptions, tt.want.UnrecognizedOptions)
			}
			if m, err = frontend.Receive(); err != nil || !asksForSCRAM(m) {
				t.Errorf("then %v, %v", m, err)
			}
		})
	}
	// A whole login, and a cancel with the longer key.
	for parameter, size := range map[string]int{"max_protocol_version=3.0": 4, "max_protocol_version=3.2": 32} {
		conn := p.connect(parameter)
		if got := len(conn.PgConn().SecretKey()); got != size {
			t.Errorf("%s: a key of %d bytes, want %d", parameter, got, size)
		}
		done := background(func() error { _, err := conn.Exec(t.Context(), "SELECT pg_sleep(20)"); return err })
		eventually(t, "the statement is canceled", func() bool {
			_ = conn.PgConn().CancelRequest(t.Context())
			select {
			case err := <-done:
				var pg *pgconn.PgError
				if !errors.As(err, &pg) || pg.Code != "57014" {
					t.Errorf("%s: %v, want 57014", parameter, err)
				}
				return true
			default:
				return false
			}
		})
		if got := query(t, conn, "SELECT 1"); got[0] != "1" {
			t.Errorf("%s: %q", parameter, got)
		}
	}
}

// Settings in the startup message act as on a plain server, wrong ones fail as
// there.
func TestSettingsAtLogin(t *testing.T) {
	t.Parallel()
	p := start(t, options{})
	tests := []struct{ parameters, show string }{
		{"options=-c%20statement_timeout%3D5s", "statement_timeout"},
		{"options=-cstatement_timeout%3D6s", "statement_timeout"},
		{"options=--statement-timeout%3D7s", "statement_timeout"},
		{"options=-c%20search_path%3Dpg_catalog,%5C%20public%20-c%20geqo%3Doff", "search_path"},
		{"options=-c%20application_name%3Da%5C%20b", "application_name"},
		{"options=-c%20app.tenant%3D42", "app.tenant"},
		{"application_name=from+startup", "application_name"},
		{"DateStyle=German", "datestyle"},
		{"timezone=Asia/Tokyo", "timezone"},
		{"extra_float_digits=-3", "extra_float_digits"},
		{"options=-c%20a%3Db", "a"},
		{"options=-c%20no_such_setting%3D1", "no_such_setting"},
		{"options=-c%20statement_timeout%3Dnonsense", "statement_timeout"},
		{"options=-c%20statement_timeout", "statement_timeout"},
		{"options=-x", "statement_timeout"},
		{"no_such_setting=1", "no_such_setting"},
		{"timezone=Nowhere/Land", "timezone"},
		{"statement_timeout=9s&options=-c%20statement_timeout%3D8s", "statement_timeout"},
	}
	show := func(dsn, name string) string {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			var pg *pgconn.PgError
			if errors.As(err, &pg) {
				return pg.Severity + " " + pg.Code
			}
			return err.Error()
		}
		defer closeNow(conn)
		rows, err := queryErr(t.Context(), conn, "SHOW "+name)
		if err != nil {
			return err.Error()
		}
		return rows[0]
	}
	for _, tt := range tests {
		want := show(p.nodes[0]+"&"+tt.parameters, tt.show)
		if got := show(p.dsn(tt.parameters), tt.show); got != want {
			t.Errorf("%s: %s is %q, on a plain server %q", tt.parameters, tt.show, got, want)
		}
	}
	if got := show(p.dsn("client_encoding=SJIS"), "client_encoding"); got != "FATAL 0A000" {
		t.Errorf("client_encoding SJIS: %s, want a refusal", got)
	}
	// They stay through RESET, as a plain server's do.
	w := p.wire("application_name=mine", "options=-c%20statement_timeout%3D5s")
	for _, sql := range []string{"SET statement_timeout = '1s'", "SET application_name = 'x'", "RESET ALL"} {
		w.simple(sql)
	}
	for name, want := range map[string]string{"statement_timeout": "5s", "application_name": "mine"} {
		if got := w.simple("SHOW " + name); got[1] != "D "+want {
			t.Errorf("%s after RESET ALL: %q, want %q", name, got, want)
		}
	}
	// A client is told of the same settings as by a plain server.
	told := func(dsn string) map[string]string {
		conn := connect(t, dsn)
		m := map[string]string{}
		for _, name := range []string{
			"server_version", "server_encoding", "client_encoding", "is_superuser", "session_authorization",
			"DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes", "standard_conforming_strings", "in_hot_standby",
			"application_name",
		} {
			m[name] = conn.PgConn().ParameterStatus(name)
		}
		return m
	}
	if diff := cmp.Diff(told(p.nodes[0]), told(p.dsn())); diff != "" {
		t.Errorf("ParameterStatus at login (-plain +proxy):\n%s", diff)
	}
}

// Who may not log in, and what is said.
func TestLoginRefused(t *testing.T) {
	t.Parallel()
	p := start(t, options{user: "databases: [app]"})
	for name, tt := range map[string]struct{ from, to, want string }{
		"wrong password":   {":secret@", ":wrong@", "28P01"},
		"no password":      {":secret@", "@", "28P01"},
		"unknown user":     {"app:secret@", "nobody:secret@", "28P01"},
		"unknown database": {"/app?", "/nowhere?", "3D000"},
		"wrong both":       {":secret@" + p.address + "/app?", ":wrong@" + p.address + "/nowhere?", "28P01"},
	} {
		conn, err := pgx.Connect(t.Context(), strings.Replace(p.dsn(), tt.from, tt.to, 1))
		if err == nil {
			closeNow(conn)
		}
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != tt.want || pg.Severity != "FATAL" {
			t.Errorf("%s: %v, want FATAL %s", name, err, tt.want)
		}
	}
	if got := query(t, p.connect(), "SELECT 1"); got[0] != "1" {
		t.Errorf("afterwards: %q", got)
	}
}

// A client that does not finish its login is let go, and takes no one's place
// for longer.
func TestLoginTimeoutAndLimit(t *testing.T) {
	t.Parallel()
	p := start(t, options{postgres: "login_timeout: 500ms\nmax_client_conn: 3\nmax_startup: 1KiB"})
	began := time.Now()
	silent, half := p.raw(), p.raw()
	half.write(login())
	half.messages(1)
	for name, r := range map[string]*raw{"silent": silent, "without an answer to SCRAM": half} {
		if got := r.rest(); len(got) > 1 || len(got) == 1 && got[0] != "E 57014" {
			t.Errorf("%s: %q", name, got)
		}
	}
	if took := time.Since(began); took < 400*time.Millisecond || took > 5*time.Second {
		t.Errorf("let go after %s, want about 500ms", took)
	}
	long := p.raw()
	long.write(login("application_name", strings.Repeat("x", 2000)))
	if got := long.rest(); !slices.Equal(got, []string{"E 08P01"}) {
		t.Errorf("a startup message above max_startup: %q", got)
	}

	var held []*pgx.Conn
	eventually(t, "the places are free again", func() bool {
		conn, err := pgx.Connect(t.Context(), p.dsn())
		if err == nil {
			held = append(held, conn)
		}
		return len(held) == 3
	})
	conn, err := pgx.Connect(t.Context(), p.dsn())
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "53300" {
		t.Errorf("the fourth client: %v, %v, want 53300", conn, err)
	}
	// Those who are in are served, and can cancel.
	if got := query(t, held[0], "SELECT 1"); got[0] != "1" {
		t.Errorf("the first client: %q", got)
	}
	done := background(func() error { _, err := held[1].Exec(t.Context(), "SELECT pg_sleep(20)"); return err })
	eventually(t, "a cancel request is heard though all places are taken", func() bool {
		_ = held[1].PgConn().CancelRequest(t.Context())
		select {
		case <-done:
			return true
		default:
			return false
		}
	})
	closeNow(held[2])
	eventually(t, "a place is free", func() bool {
		conn, err := pgx.Connect(t.Context(), p.dsn())
		if err != nil {
			return false
		}
		closeNow(conn)
		return true
	})
}

// New certificates are shown from the next connection on; a broken file changes
// nothing.
func TestCertificatesAreReloaded(t *testing.T) {
	t.Parallel()
	certs := newCertificates(t)
	p := start(t, options{postgres: certs.section("require")})
	dsn := strings.Replace(p.dsn(), "sslmode=disable", "sslmode=require", 1)
	serial := func() int64 {
		conn := connect(t, dsn)
		defer closeNow(conn)
		return conn.PgConn().Conn().(*tls.Conn).ConnectionState().PeerCertificates[0].SerialNumber.Int64()
	}
	old := connect(t, dsn)
	if got := serial(); got != 1 {
		t.Fatalf("serial %d, want 1", got)
	}
	reload := func() {
		if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	certs.write(t, 2)
	reload()
	eventually(t, "the new certificate is shown", func() bool { return serial() == 2 })
	if got := query(t, old, "SELECT 1"); got[0] != "1" {
		t.Errorf("a client from before: %q", got)
	}
	if err := os.WriteFile(certs.cert, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	logged := len(p.log.String())
	reload()
	eventually(t, "the log tells of the broken file", func() bool { return len(p.log.String()) > logged })
	if got := serial(); got != 2 {
		t.Errorf("serial %d after a broken file, want 2", got)
	}
	certs.write(t, 3)
	reload()
	eventually(t, "the newest certificate is shown", func() bool { return serial() == 3 })
}

// SIGTERM: who is in a transaction may end it, the others are sent away, nobody
// new comes in.
func TestDrain(t *testing.T) {
	t.Parallel()
	p := withSchema(t, options{})
	a := p.keys(1)[0][0]
	worker, idle, unbound := p.wire(), p.wire(), p.wire()
	worker.simple("BEGIN")
	worker.simple(insertTitle(a, "kept"))
	unbound.simple("BEGIN")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := idle.next(); got != "E 57P01" {
		t.Errorf("an idle client got %s, want 57P01", got)
	}
	eventually(t, "no new clients", func() bool {
		conn, err := net.Dial("tcp", p.address)
		if err != nil {
			return true
		}
		_ = conn.Close()
		return false
	})
	for _, step := range []struct{ sql, want string }{
		{insertTitle(a, "kept too"), "C INSERT 0 1|Z T"},
		{"COMMIT", "C COMMIT|Z I"},
	} {
		if got := strings.Join(worker.simple(step.sql), "|"); got != step.want {
			t.Errorf("%s: %s, want %s", step.sql, got, step.want)
		}
	}
	if got := worker.next(); got != "E 57P01" {
		t.Errorf("after its transaction: %s, want 57P01", got)
	}
	if got := strings.Join(unbound.simple("ROLLBACK"), "|"); got != "C ROLLBACK|Z I" {
		t.Errorf("a transaction without a statement: %s", got)
	}
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		t.Error("the proxy is still there")
	}
	if n := total(p.countOn("documents", "")); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// A transaction that does not end in time is rolled back.
func TestDrainDeadline(t *testing.T) {
	t.Parallel()
	p := withSchema(t, options{}) // drain_timeout is 3 s
	a := p.keys(1)[0][0]
	w, busy := p.wire(), p.wire()
	w.simple("BEGIN")
	w.simple(insertTitle(a, "lost"))
	busy.send(&pgproto3.Query{String: "SELECT pg_sleep(20)"})
	began := time.Now()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		t.Fatal("the proxy is still there after 10 s")
	}
	if took := time.Since(began); took < 2900*time.Millisecond {
		t.Errorf("ended after %s, want 3 s", took)
	}
	if n := total(p.countOn("documents", "")); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
}
