package pgstartup

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
)

func TestEncryptionRequests(t *testing.T) {
	ca := newAuthority(t)
	ssl, gss := packet(sslRequestCode, ""), packet(gssencRequestCode, "")
	for _, c := range []struct {
		name    string
		mode    TLSMode
		packets [][]byte
		answers string
		refusal string // SQLSTATE after the last packet; "": none
	}{
		{"SSL without TLS", TLSDisable, [][]byte{ssl}, "N", ""},
		{"GSS", TLSPrefer, [][]byte{gss}, "N", ""},
		{"SSL with TLS", TLSPrefer, [][]byte{ssl}, "S", ""},
		{"GSS, then SSL without TLS", TLSDisable, [][]byte{gss, ssl}, "NN", ""},
		{"GSS, then SSL with TLS", TLSRequire, [][]byte{gss, ssl}, "NS", ""},
		{"SSL without TLS, then GSS", TLSDisable, [][]byte{ssl, gss}, "NN", ""},
		{"SSL twice", TLSDisable, [][]byte{ssl, ssl}, "N", "08P01"},
		{"GSS twice", TLSDisable, [][]byte{gss, gss}, "N", "08P01"},
		{"SSL with a body", TLSPrefer, [][]byte{packet(sslRequestCode, "x")}, "", "08P01"},
		{"GSS with a body", TLSPrefer, [][]byte{packet(gssencRequestCode, "x")}, "", "08P01"},
		{"bytes behind SSL, TLS", TLSPrefer, [][]byte{append(packet(sslRequestCode, ""), startupPacket(Version30, "user", "app")...)}, "", "08P01"},
		{"bytes behind SSL, no TLS", TLSDisable, [][]byte{append(packet(sslRequestCode, ""), 'x')}, "", "08P01"},
		{"bytes behind GSS", TLSDisable, [][]byte{append(packet(gssencRequestCode, ""), 'x')}, "", "08P01"},
		{"login in the clear where TLS is required", TLSRequire, [][]byte{startupPacket(Version30, "user", "app")}, "", "28000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, Options{TLS: c.mode, TLSConfig: ca.serverConfig(t)})
			conn := s.dial(t)
			for i, p := range c.packets {
				send(t, conn, p)
				if i < len(c.answers) {
					if b := readByte(t, conn); b != c.answers[i] {
						t.Fatalf("packet %d was answered %q", i, b)
					}
				}
			}
			switch {
			case c.refusal != "":
				wantError(t, conn, c.refusal)
				wantSQLState(t, s.outcome(t).err, c.refusal)
			case strings.HasSuffix(c.answers, "S"):
				secure := tls.Client(conn, &tls.Config{RootCAs: ca.pool, ServerName: "localhost"})
				login(t, secure, "app-password")
			default:
				login(t, conn, "app-password")
			}
		})
	}
}

// TestNoCertificate: without a TLS configuration nothing is served in the clear
// where TLS is required.
func TestNoCertificate(t *testing.T) {
	s := startServer(t, Options{TLS: TLSRequire, TLSConfig: func() *tls.Config { return nil }})
	conn := s.dial(t)
	send(t, conn, packet(sslRequestCode, ""))
	if b := readByte(t, conn); b != 'N' {
		t.Fatalf("answered %q", b)
	}
	send(t, conn, startupPacket(Version30, "user", "app"))
	wantError(t, conn, "28000")
}

func TestShutdownInTLSHandshake(t *testing.T) {
	ca := newAuthority(t)
	a, err := New(Options{Users: testUsers(t), TLS: TLSPrefer, TLSConfig: ca.serverConfig(t)})
	if err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		_, err := a.Accept(ctx, server)
		done <- err
	}()
	send(t, client, packet(sslRequestCode, ""))
	readByte(t, client)
	cancel()
	wantSQLState(t, <-done, "57P01")
}

func TestDirectTLSNeedsALPN(t *testing.T) {
	ca := newAuthority(t)
	s := startServer(t, Options{TLS: TLSPrefer, TLSConfig: ca.serverConfig(t)})
	secure := tls.Client(s.dial(t), &tls.Config{RootCAs: ca.pool, ServerName: "localhost"})
	if err := secure.Handshake(); err != nil {
		t.Fatal(err)
	}
	if m, ok := receive(t, secure).(*pgproto3.ErrorResponse); !ok || m.Code != "08P01" {
		t.Fatalf("the client got %#v", m)
	}
	wantSQLState(t, s.outcome(t).err, "08P01")
}

func TestRequestsInsideTLS(t *testing.T) {
	ca := newAuthority(t)
	for name, p := range map[string][]byte{
		"SSLRequest": packet(sslRequestCode, ""), "GSSENCRequest": packet(gssencRequestCode, ""),
	} {
		s := startServer(t, Options{TLS: TLSPrefer, TLSConfig: ca.serverConfig(t)})
		secure := tls.Client(s.dial(t), &tls.Config{RootCAs: ca.pool, ServerName: "localhost", NextProtos: []string{alpn}})
		send(t, secure, p)
		if m, ok := receive(t, secure).(*pgproto3.ErrorResponse); !ok || m.Code != "08P01" {
			t.Errorf("%s: the client got %#v", name, m)
		}
	}
}

func TestTLSGarbage(t *testing.T) {
	ca := newAuthority(t)
	s := startServer(t, Options{TLS: TLSPrefer, TLSConfig: ca.serverConfig(t)})
	conn := s.dial(t)
	send(t, conn, packet(sslRequestCode, ""))
	readByte(t, conn)
	send(t, conn, startupPacket(Version30, "user", "app"))
	if b := readAll(t, conn); strings.Contains(string(b), "FATAL") {
		t.Fatalf("an ErrorResponse inside a TLS handshake: %q", b)
	}
	wantSQLState(t, s.outcome(t).err, "28000")
}

func TestStartupPackets(t *testing.T) {
	huge := startupPacket(Version30, "user", "app", "application_name", strings.Repeat("x", DefaultMaxStartupSize))
	for _, c := range []struct {
		name     string
		packet   []byte
		sqlstate string
	}{
		{"length 0", []byte{0, 0, 0, 0, 0, 3, 0, 0}, "08P01"},
		{"length 3", []byte{0, 0, 0, 3, 0, 3, 0, 0}, "08P01"},
		{"length 7", []byte{0, 0, 0, 7, 0, 3, 0}, "08P01"},
		{"negative length", []byte{0xff, 0xff, 0xff, 0xff, 0, 3, 0, 0}, "08P01"},
		{"length 2^31-1", []byte{0x7f, 0xff, 0xff, 0xff, 0, 3, 0, 0}, "08P01"},
		{"too long", huge[:8], "08P01"},
		{"HTTP", []byte("GET / HTTP/1.1\r\n\r\n"), "08P01"},
		{"no terminator", packet(Version30, ""), "08P01"},
		{"name without a value", packet(Version30, "user\x00"), "08P01"},
		{"value without an end", packet(Version30, "user\x00app"), "08P01"},
		{"no terminator behind a value", packet(Version30, "user\x00app\x00"), "08P01"},
		{"bytes behind the terminator", packet(Version30, "user\x00app\x00\x00x\x00"), "08P01"},
		{"no user", startupPacket(Version30, "database", "app"), "28000"},
		{"no parameters", startupPacket(Version30), "28000"},
		{"empty user", startupPacket(Version30, "user", ""), "28000"},
		{"protocol 4", startupPacket(4<<16, "user", "app"), "0A000"},
		{"unknown code", packet(1234<<16|9999, ""), "0A000"},
		{"replication", startupPacket(Version30, "user", "app", "replication", "true"), "0A000"},
		{"logical replication", startupPacket(Version30, "user", "app", "replication", "database"), "0A000"},
		{"odd replication", startupPacket(Version30, "user", "app", "replication", "maybe"), "22023"},
		{"bad options", startupPacket(Version30, "user", "app", "options", "-F"), "42601"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, Options{})
			conn := s.dial(t)
			send(t, conn, c.packet)
			wantError(t, conn, c.sqlstate)
			wantSQLState(t, s.outcome(t).err, c.sqlstate)
		})
	}
}

func TestOldProtocols(t *testing.T) {
	for _, version := range []Version{0, 1 << 16, 2 << 16, 2<<16 | 1} {
		s := startServer(t, Options{})
		conn := s.dial(t)
		send(t, conn, packet(version, strings.Repeat("\x00", 288)))
		want := "EFATAL:  unsupported frontend protocol " + version.String() + ": server supports 3.0 to 3.2\n\x00"
		if got := string(readAll(t, conn)); got != want {
			t.Errorf("%s: got %q, want %q", version, got, want)
		}
		wantSQLState(t, s.outcome(t).err, "0A000")
	}
}

func TestNegotiation(t *testing.T) {
	for _, c := range []struct {
		name   string
		packet []byte
		want   *pgproto3.NegotiateProtocolVersion
		final  Version
	}{
		{"3.0", startupPacket(Version30, "user", "app"), nil, Version30},
		{"3.1", startupPacket(3<<16|1, "user", "app"), nil, 3<<16 | 1},
		{"3.2", startupPacket(Version32, "user", "app"), nil, Version32},
		{
			"3.9", startupPacket(3<<16|9, "user", "app"),
			&pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: uint32(Version32), UnrecognizedOptions: []string{}}, Version32,
		},
		{
			"3.9999 and options", startupPacket(3<<16|9999, "_pq_.a", "1", "user", "app", "_pq_.b", ""),
			&pgproto3.NegotiateProtocolVersion{
				NewestMinorProtocol: uint32(Version32), UnrecognizedOptions: []string{"_pq_.a", "_pq_.b"},
			}, Version32,
		},
		{
			"3.0 and an option", startupPacket(Version30, "_pq_.a", "1", "user", "app"),
			&pgproto3.NegotiateProtocolVersion{
				NewestMinorProtocol: uint32(Version30), UnrecognizedOptions: []string{"_pq_.a"},
			}, Version30,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, Options{})
			conn := s.dial(t)
			send(t, conn, c.packet)
			m := receive(t, conn)
			if c.want != nil {
				if diff := cmp.Diff(c.want, m); diff != "" {
					t.Fatalf("-want +got:\n%s", diff)
				}
				m = receive(t, conn)
			}
			if _, ok := m.(*pgproto3.AuthenticationSASL); !ok {
				t.Fatalf("the client got %#v", m)
			}
			proveTo(t, conn, "app-password", nil)
			if r := s.outcome(t).result; r.Version != c.final || len(r.Settings) != 0 {
				t.Fatalf("version %s, settings %v", r.Version, r.Settings)
			}
		})
	}
}

func TestTheLastOfDuplicatesCounts(t *testing.T) {
	s := startServer(t, Options{})
	conn := s.dial(t)
	send(t, conn, startupPacket(Version30, "user", "unknown", "database", "a", "TimeZone", "UTC",
		"user", "app", "database", "b", "TimeZone", "CET", "replication", "off"))
	receive(t, conn)
	proveTo(t, conn, "app-password", nil)
	r := s.outcome(t).result
	if r.User != "app" || r.Database != "b" {
		t.Fatalf("user %q, database %q", r.User, r.Database)
	}
	if diff := cmp.Diff([]Setting{{"TimeZone", "UTC"}, {"TimeZone", "CET"}}, r.Settings); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
}

func TestLargestStartupPacket(t *testing.T) {
	s := startServer(t, Options{})
	head := startupPacket(Version30, "user", "app", "application_name", "")
	p := startupPacket(Version30, "user", "app", "application_name", strings.Repeat("x", DefaultMaxStartupSize-len(head)))
	if len(p) != DefaultMaxStartupSize {
		t.Fatalf("the packet has %d bytes", len(p))
	}
	conn := s.dial(t)
	send(t, conn, p)
	receive(t, conn)
	proveTo(t, conn, "app-password", nil)
}
