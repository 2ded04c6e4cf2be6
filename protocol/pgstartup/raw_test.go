package pgstartup

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/xdg-go/scram"

	"shardproxy/protocol/pgwire"
)

// packet builds a packet without a type byte.
func packet(code Version, body string) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(lengthSize+versionSize+len(body)))
	b = binary.BigEndian.AppendUint32(b, uint32(code))
	return append(b, body...)
}

// startupPacket builds a StartupMessage from names and values.
func startupPacket(version Version, pairs ...string) []byte {
	var body []byte
	for _, s := range pairs {
		body = append(append(body, s...), 0)
	}
	return packet(version, string(body)+"\x00")
}

func send(t testing.TB, conn net.Conn, b []byte) {
	t.Helper()
	if _, err := conn.Write(b); err != nil {
		t.Fatal(err)
	}
}

func readByte(t testing.TB, conn net.Conn) byte {
	t.Helper()
	var b [1]byte
	if _, err := io.ReadFull(conn, b[:]); err != nil {
		t.Fatal(err)
	}
	return b[0]
}

// receive decodes the next message with an independent decoder.
func receive(t testing.TB, conn net.Conn) pgproto3.BackendMessage {
	t.Helper()
	f := pgproto3.NewFrontend(&oneMessage{conn: conn}, nil)
	m, err := f.Receive()
	if err != nil {
		t.Fatalf("receive: %v", err)
	}
	return m
}

// oneMessage keeps a decoder from reading beyond a message.
type oneMessage struct {
	conn net.Conn
	head []byte
	rest int
}

func (o *oneMessage) Read(p []byte) (int, error) {
	if len(o.head) < pgwire.HeaderSize {
		b := make([]byte, pgwire.HeaderSize)
		if _, err := io.ReadFull(o.conn, b); err != nil {
			return 0, err
		}
		o.head = b
		o.rest = int(binary.BigEndian.Uint32(b[1:])) - 4
		return copy(p, b), nil
	}
	if o.rest == 0 {
		return 0, errors.New("a second message is read")
	}
	n, err := o.conn.Read(p[:min(len(p), o.rest)])
	o.rest -= n
	return n, err
}

// wantError reads an ErrorResponse, and that nothing follows it.
func wantError(t testing.TB, conn net.Conn, sqlstate string) *pgproto3.ErrorResponse {
	t.Helper()
	m := receive(t, conn)
	e, ok := m.(*pgproto3.ErrorResponse)
	if !ok || e.Code != sqlstate || e.Severity != "FATAL" {
		t.Fatalf("the client got %#v, want FATAL %s", m, sqlstate)
	}
	if rest := readAll(t, conn); len(rest) > 0 {
		t.Fatalf("after the error: %q", rest)
	}
	return e
}

// scramClient is a client's half of the exchange.
func scramClient(t testing.TB, password string) *scram.ClientConversation {
	t.Helper()
	c, err := scram.SHA256.NewClient("", password, "")
	if err != nil {
		t.Fatal(err)
	}
	return c.NewConversation()
}

func step(t testing.TB, c *scram.ClientConversation, challenge string) string {
	t.Helper()
	answer, err := c.Step(challenge)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

// initialResponse is a SASLInitialResponse.
func initialResponse(mechanism, data string) []byte {
	body := append([]byte(mechanism), 0)
	body = binary.BigEndian.AppendUint32(body, uint32(len(data)))
	return response(string(body) + data)
}

// response is a SASLResponse.
func response(data string) []byte {
	b := binary.BigEndian.AppendUint32([]byte{'p'}, uint32(4+len(data)))
	return append(b, data...)
}

// login sends a StartupMessage and proves the password, up to
// AuthenticationOk.
func login(t testing.TB, conn net.Conn, password string) {
	t.Helper()
	send(t, conn, startupPacket(Version30, "user", "app"))
	if m, ok := receive(t, conn).(*pgproto3.AuthenticationSASL); !ok || len(m.AuthMechanisms) == 0 {
		t.Fatalf("no mechanisms: %v", m)
	}
	proveTo(t, conn, password, nil)
}

// proveTo answers AuthenticationSASL; behind is sent along with the last
// answer.
func proveTo(t testing.TB, conn net.Conn, password string, behind []byte) {
	t.Helper()
	c := scramClient(t, password)
	send(t, conn, initialResponse(mechanismPlain, step(t, c, "")))
	m, ok := receive(t, conn).(*pgproto3.AuthenticationSASLContinue)
	if !ok {
		t.Fatal("no AuthenticationSASLContinue")
	}
	send(t, conn, append(response(step(t, c, string(m.Data))), behind...))
	final, ok := receive(t, conn).(*pgproto3.AuthenticationSASLFinal)
	if !ok {
		t.Fatal("no AuthenticationSASLFinal")
	}
	step(t, c, string(final.Data)) // the server has proved itself too
	if _, ok := receive(t, conn).(*pgproto3.AuthenticationOk); !ok {
		t.Fatal("no AuthenticationOk")
	}
}

func TestReady(t *testing.T) {
	s := startServer(t, Options{})
	conn := s.dial(t)
	login(t, conn, "app-password")
	var got []Setting
	for range testParameters() {
		p, ok := receive(t, conn).(*pgproto3.ParameterStatus)
		if !ok {
			t.Fatal("no ParameterStatus")
		}
		got = append(got, Setting{p.Name, p.Value})
	}
	if len(got) != 3 || got[0] != testParameters()[0] {
		t.Fatalf("parameters %v", got)
	}
	if k, ok := receive(t, conn).(*pgproto3.BackendKeyData); !ok || k.ProcessID != 7 || string(k.SecretKey) != "abcd" {
		t.Fatalf("key %+v", k)
	}
	if r, ok := receive(t, conn).(*pgproto3.ReadyForQuery); !ok || r.TxStatus != 'I' {
		t.Fatalf("ready %+v", r)
	}
}

func TestReadyRefusesKeysThatDoNotFit(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	for _, c := range []struct {
		version Version
		size    int
	}{{Version30, 0}, {Version30, 5}, {Version30, 32}, {Version32, 3}, {Version32, 257}} {
		r := &Result{Conn: server, Version: c.version}
		if err := r.Ready(nil, CancelKey{1, make([]byte, c.size)}); err == nil {
			t.Errorf("protocol %s takes a key of %d bytes", c.version, c.size)
		}
	}
	r := &Result{Conn: server, Cancel: &CancelKey{}}
	if err := r.Ready(nil, CancelKey{1, make([]byte, 4)}); err == nil {
		t.Error("Ready answers a cancel request")
	}
}

func TestBytesBehindTheLoginAreKept(t *testing.T) {
	s := startServer(t, Options{})
	conn := s.dial(t)
	send(t, conn, startupPacket(Version30, "user", "app"))
	receive(t, conn)
	query := pgwire.AppendQuery(nil, "select 1")
	proveTo(t, conn, "app-password", query)
	if got := s.outcome(t).result.Unread; len(got) > 0 && !bytes.Equal(got, query) {
		t.Fatalf("unread %q", got)
	}
	for {
		switch receive(t, conn).(type) {
		case *pgproto3.ParameterStatus, *pgproto3.BackendKeyData, *pgproto3.ReadyForQuery:
		case *pgproto3.EmptyQueryResponse:
			return
		default:
			t.Fatal("the query was not answered")
		}
	}
}

func TestByteByByte(t *testing.T) {
	s := startServer(t, Options{})
	conn := s.dial(t)
	for _, b := range packet(gssencRequestCode, "") {
		send(t, conn, []byte{b})
	}
	if b := readByte(t, conn); b != 'N' {
		t.Fatalf("GSSENCRequest: %q", b)
	}
	for _, b := range startupPacket(Version30, "user", "app", "application_name", "slow") {
		send(t, conn, []byte{b})
	}
	receive(t, conn)
	proveTo(t, conn, "app-password", nil)
}
