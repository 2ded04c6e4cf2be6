package pgstartup

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"

	"shardproxy/protocol/pgwire"
)

const clientFirst = "n,,n=,r=rOprNGfwEbeRWgbNEkqO"

func TestSASLRefusals(t *testing.T) {
	for _, c := range []struct {
		name     string
		frame    []byte
		sqlstate string
	}{
		{"a query", pgwire.AppendQuery(nil, "select 1"), "08P01"},
		{"unknown mechanism", initialResponse("PLAIN", "x"), "08P01"},
		{"binding without TLS", initialResponse(mechanismBinding, "p=tls-server-end-point,,n=,r=abc"), "08P01"},
		{"binding flag with the other mechanism", initialResponse(mechanismPlain, "p=tls-server-end-point,,n=,r=abc"), "08P01"},
		{"no mechanism", response(""), "08P01"},
		{"a length beyond the message", response("SCRAM-SHA-256\x00\x00\x00\x00\x09n"), "08P01"},
		{"a cleartext password", response("app-password\x00"), "08P01"},
		{"empty first message", initialResponse(mechanismPlain, ""), "08P01"},
		{"no nonce", initialResponse(mechanismPlain, "n,,n="), "08P01"},
		{"authorization identity", initialResponse(mechanismPlain, "n,a=root,n=,r=abc"), "0A000"},
		{"length 3", []byte{'p', 0, 0, 0, 3}, "08P01"},
		{"negative length", []byte{'p', 0xff, 0xff, 0xff, 0xff}, "08P01"},
		{"too long", []byte{'p', 0, 1, 0, 0}, "08P01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, Options{})
			conn := s.dial(t)
			send(t, conn, startupPacket(Version30, "user", "app"))
			receive(t, conn)
			send(t, conn, c.frame)
			wantError(t, conn, c.sqlstate)
			wantSQLState(t, s.outcome(t).err, c.sqlstate)
		})
	}
}

// challenge starts an exchange and returns the server's first message.
func challenge(t testing.TB, s *testServer, user string) (string, func(final string) pgproto3.BackendMessage) {
	t.Helper()
	conn := s.dial(t)
	send(t, conn, startupPacket(Version30, "user", user))
	receive(t, conn)
	send(t, conn, initialResponse(mechanismPlain, clientFirst))
	m, ok := receive(t, conn).(*pgproto3.AuthenticationSASLContinue)
	if !ok {
		t.Fatal("no AuthenticationSASLContinue")
	}
	return string(m.Data), func(final string) pgproto3.BackendMessage {
		send(t, conn, response(final))
		return receive(t, conn)
	}
}

func TestSASLFinalRefusals(t *testing.T) {
	proof := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, c := range []struct{ name, final, sqlstate string }{
		{"wrong proof", "c=biws,r=%s,p=" + proof, "28P01"},
		{"short proof", "c=biws,r=%s,p=AAAA", "08P01"},
		{"wrong nonce", "c=biws,r=x%s,p=" + proof, "08P01"},
		{"other header", "c=eSws,r=%s,p=" + proof, "28000"},
		{"no proof", "c=biws,r=%s", "08P01"},
		{"empty", "%.0s", "08P01"},
		{"bytes", "\x00\xff%s", "08P01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := startServer(t, Options{})
			first, finish := challenge(t, s, "app")
			nonce, _, _ := strings.Cut(strings.TrimPrefix(first, "r="), ",")
			m := finish(fmt.Sprintf(c.final, nonce))
			if e, ok := m.(*pgproto3.ErrorResponse); !ok || e.Code != c.sqlstate || e.Severity != "FATAL" {
				t.Fatalf("the client got %#v, want %s", m, c.sqlstate)
			}
			wantSQLState(t, s.outcome(t).err, c.sqlstate)
		})
	}
}

// TestUnknownUsersLookLikeOthers: nothing tells a client that a user does not
// exist, however often it asks.
func TestUnknownUsersLookLikeOthers(t *testing.T) {
	s := startServer(t, Options{})
	salts := map[string]string{}
	for range 3 {
		for _, user := range []string{"app", "stored", "nobody", "unknown", "unknown2"} {
			first, _ := challenge(t, s, user)
			fields := strings.Split(first, ",")
			if len(fields) != 3 || fields[2] != "i=4096" {
				t.Fatalf("%s: challenge %q", user, first)
			}
			salt, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(fields[1], "s="))
			if err != nil || len(salt) != scramSaltSize {
				t.Fatalf("%s: salt %q, %v", user, fields[1], err)
			}
			if old, ok := salts[user]; ok && old != string(salt) {
				t.Errorf("%s: the salt changes from login to login", user)
			}
			for other, old := range salts {
				if other != user && old == string(salt) {
					t.Errorf("%s and %s have one salt", user, other)
				}
			}
			salts[user] = string(salt)
		}
	}
}

// TestMockKey: the made-up salt of a user depends on the key alone.
func TestMockKey(t *testing.T) {
	salt := func(key string, user string) string {
		a, err := New(Options{Users: testUsers(t), MockKey: []byte(key)})
		if err != nil {
			t.Fatal(err)
		}
		c, err := a.mockCredentials(user)
		if err != nil {
			t.Fatal(err)
		}
		return c.Salt
	}
	first := salt("k", "u")
	if again := salt("k", "u"); again != first {
		t.Error("one key gives one user two salts")
	}
	if salt("k", "v") == first || salt("l", "u") == first {
		t.Error("salts do not follow the key and the user")
	}
	drawn := salt("", "u")
	if again := salt("", "u"); again == drawn {
		t.Error("two acceptors have drawn one key")
	}
}

func TestFirstMessageOnRequest(t *testing.T) {
	s := startServer(t, Options{})
	conn := s.dial(t)
	send(t, conn, startupPacket(Version30, "user", "app"))
	receive(t, conn)
	c := scramClient(t, "app-password")
	send(t, conn, response(mechanismPlain+"\x00\xff\xff\xff\xff"))
	if m, ok := receive(t, conn).(*pgproto3.AuthenticationSASLContinue); !ok || len(m.Data) != 0 {
		t.Fatalf("the client got %#v", m)
	}
	send(t, conn, response(step(t, c, "")))
	m, ok := receive(t, conn).(*pgproto3.AuthenticationSASLContinue)
	if !ok {
		t.Fatal("no challenge")
	}
	send(t, conn, response(step(t, c, string(m.Data))))
	if _, ok := receive(t, conn).(*pgproto3.AuthenticationSASLFinal); !ok {
		t.Fatal("not logged in")
	}
}

// TestDowngrade: a client that supports binding and was offered it, but says
// that it was not, sees another list of mechanisms than we sent.
func TestDowngrade(t *testing.T) {
	ca := newAuthority(t)
	s := startServer(t, Options{TLS: TLSRequire, TLSConfig: ca.serverConfig(t)})
	secure := tls.Client(s.dial(t), &tls.Config{RootCAs: ca.pool, ServerName: "localhost", NextProtos: []string{alpn}})
	send(t, secure, startupPacket(Version30, "user", "app"))
	m, ok := receive(t, secure).(*pgproto3.AuthenticationSASL)
	if !ok || strings.Join(m.AuthMechanisms, " ") != "SCRAM-SHA-256-PLUS SCRAM-SHA-256" {
		t.Fatalf("mechanisms %+v", m)
	}
	send(t, secure, initialResponse(mechanismPlain, "y,,n=,r=abc"))
	if e, ok := receive(t, secure).(*pgproto3.ErrorResponse); !ok || e.Code != "28000" {
		t.Fatalf("the client got %#v", e)
	}
}

func TestParseSecret(t *testing.T) {
	valid := storedVerifier
	for _, c := range []struct {
		text, reason string
	}{
		{valid, ""},
		{"plain", ""},
		{"SCRAM-SHA-1$x", ""}, // a password like any other
		{"md5 is not a hash", ""},
		{"", "empty"},
		{"md5" + strings.Repeat("0", 32), "MD5"},
		{"SCRAM-SHA-256$", "malformed"},
		{"SCRAM-SHA-256$4096:c2FsdA==", "malformed"},
		{"SCRAM-SHA-256$4096$a:b", "malformed"},
		{strings.Replace(valid, "4096", "0", 1), "iterations"},
		{strings.Replace(valid, "4096", "-1", 1), "iterations"},
		{strings.Replace(valid, "4096", "x", 1), "iterations"},
		{strings.Replace(valid, ":T6Zl", ":T6Z", 1), "salt"},
		{strings.Replace(valid, "T6Zl/33RV7RE92Kglekm+Q==", "", 1), "salt"},
		{strings.Replace(valid, "laiC", "", 1), "keys"},
		{valid + "A", "keys"},
	} {
		s, err := ParseSecret(c.text)
		if (err == nil) != (c.reason == "") || err != nil && !strings.Contains(err.Error(), c.reason) {
			t.Errorf("ParseSecret(%q): %v, want %q", c.text, err, c.reason)
		}
		if err == nil && s.IsZero() || err != nil && !s.IsZero() {
			t.Errorf("ParseSecret(%q) gives a secret: %t", c.text, !s.IsZero())
		}
		if err != nil && len(c.text) > 20 && strings.Contains(err.Error(), c.text[15:]) {
			t.Errorf("the error repeats the secret: %v", err)
		}
	}
	s := secret(t, valid)
	if text := fmt.Sprintf("%v %+v %#v %s %q", s, s, s, s, s); strings.Contains(text, "laiC") || strings.Contains(text, "Salt") {
		t.Errorf("a secret prints as %s", text)
	}
	if a, b := secret(t, "same"), secret(t, "same"); a.stored.Salt == b.stored.Salt {
		t.Error("two verifiers have one salt")
	}
}
