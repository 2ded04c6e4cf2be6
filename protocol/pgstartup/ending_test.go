package pgstartup

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"math"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"

	"shardproxy/protocol/sqlerr"
)

func TestCancelRequests(t *testing.T) {
	body := func(secret int) string {
		return string(binary.BigEndian.AppendUint32(nil, 9)) + strings.Repeat("s", secret)
	}
	for _, c := range []struct {
		secret int
		ok     bool
	}{{-4, false}, {0, false}, {3, false}, {4, true}, {32, true}, {256, true}, {257, false}} {
		s := startServer(t, Options{})
		conn := s.dial(t)
		if c.secret < 0 {
			send(t, conn, packet(cancelRequestCode, ""))
		} else {
			send(t, conn, packet(cancelRequestCode, body(c.secret)))
		}
		if b := readAll(t, conn); len(b) > 0 {
			t.Fatalf("%d bytes: the server answers %q", c.secret, b)
		}
		o := s.outcome(t)
		if !c.ok {
			wantSQLState(t, o.err, "08P01")
			continue
		}
		if o.err != nil || o.result.Cancel == nil {
			t.Fatalf("%d bytes: %+v", c.secret, o)
		}
		if diff := cmp.Diff(CancelKey{9, []byte(strings.Repeat("s", c.secret))}, *o.result.Cancel); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
		if err := o.result.Fail(errors.New("x")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCancelRequestInsideTLS(t *testing.T) {
	ca := newAuthority(t)
	s := startServer(t, Options{TLS: TLSRequire, TLSConfig: ca.serverConfig(t)})
	secure := tls.Client(s.dial(t), &tls.Config{RootCAs: ca.pool, ServerName: "localhost", NextProtos: []string{alpn}})
	send(t, secure, packet(cancelRequestCode, "\x00\x00\x00\x09abcd"))
	o := s.outcome(t)
	if o.err != nil || o.result.Cancel == nil || !o.result.Encrypted {
		t.Fatalf("outcome %+v", o)
	}
}

func TestClientGone(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing sent":     {},
		"half a length":    {0, 0},
		"half a packet":    startupPacket(Version30, "user", "app")[:12],
		"behind a startup": startupPacket(Version30, "user", "app"),
		"terminate":        append(startupPacket(Version30, "user", "app"), 'X', 0, 0, 0, 4),
		"behind SSL":       packet(sslRequestCode, ""),
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, Options{})
			conn := s.dial(t)
			send(t, conn, b)
			if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if err := s.outcome(t).err; !errors.Is(err, ErrClientGone) {
				t.Fatalf("Accept returned %v", err)
			}
		})
	}
}

func TestLoginTimeout(t *testing.T) {
	for name, b := range map[string][]byte{
		"silent":          {},
		"inside a packet": startupPacket(Version30, "user", "app")[:12],
		"no password":     startupPacket(Version30, "user", "app"),
	} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, Options{LoginTimeout: 50 * time.Millisecond})
			conn := s.dial(t)
			send(t, conn, b)
			if name == "no password" {
				receive(t, conn)
			}
			wantError(t, conn, "57014")
			wantSQLState(t, s.outcome(t).err, "57014")
		})
	}
}

func TestLoginTimeoutInTLSHandshake(t *testing.T) {
	ca := newAuthority(t)
	s := startServer(t, Options{TLS: TLSPrefer, TLSConfig: ca.serverConfig(t), LoginTimeout: 50 * time.Millisecond})
	conn := s.dial(t)
	send(t, conn, packet(sslRequestCode, ""))
	if b := readAll(t, conn); string(b) != "S" {
		t.Fatalf("the client got %q", b)
	}
	wantSQLState(t, s.outcome(t).err, "57014")
}

func TestShutdownDuringLogin(t *testing.T) {
	a, err := New(Options{Users: testUsers(t)})
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
	send(t, client, startupPacket(Version30, "user", "app"))
	receive(t, client)
	cancel()
	if m, ok := receive(t, client).(*pgproto3.ErrorResponse); !ok || m.Code != "57P01" {
		t.Fatalf("the client got %#v", m)
	}
	e := wantSQLState(t, <-done, "57P01")
	if e.Fault != sqlerr.FaultProxy {
		t.Fatalf("fault %d", e.Fault)
	}
}

func TestDeadlineIsClearedByReady(t *testing.T) {
	s := startServer(t, Options{LoginTimeout: 300 * time.Millisecond})
	conn := s.dial(t)
	login(t, conn, "app-password")
	before := s.outcome(t).result.Deadline
	for {
		if _, ok := receive(t, conn).(*pgproto3.ReadyForQuery); ok {
			break
		}
	}
	time.Sleep(time.Until(before) + 50*time.Millisecond)
	send(t, conn, []byte{'Q', 0, 0, 0, 5, 0})
	if _, ok := receive(t, conn).(*pgproto3.EmptyQueryResponse); !ok {
		t.Fatal("the session ended with the login timeout")
	}
}

func TestOptionsAreChecked(t *testing.T) {
	_, err := New(Options{TLS: TLSPrefer, LoginTimeout: -1, MaxStartupSize: math.MaxInt32})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"TLS configuration", "users", "negative", "size limit"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not mention %q: %v", want, err)
		}
	}
	for _, m := range []TLSMode{TLSDisable, TLSPrefer, TLSRequire} {
		if got, err := ParseTLSMode(m.String()); err != nil || got != m {
			t.Errorf("ParseTLSMode(%q) = %v, %v", m, got, err)
		}
	}
	if _, err := ParseTLSMode("allow"); err == nil {
		t.Error("an unknown TLS mode is accepted")
	}
}
