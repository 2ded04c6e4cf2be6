package pgsession

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/protocol/pgwire"
	"shardproxy/router/backend"
)

// A node that does not read before it has been read from, as one that raises a
// notice per row of a COPY, does not stop a write, encrypted or not; neither does
// one that takes its time.
func TestLargeWritesTakeTurns(t *testing.T) {
	for name, encrypt := range map[string]bool{"plain": false, "encrypted": true} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe() // nothing is buffered: who writes waits for the reader
			socket := near
			if encrypt {
				near, far = encrypted(near, far)
			}
			s, client, l := sessionOn(t, near)
			t.Cleanup(func() { _ = socket.Close() })
			notice := pgwire.AppendNotice(nil, "NOTICE", "00000", "a row", "", "")
			l.replies.push(reply{kind: replyQuery})
			s.m.state = stateReplies
			l.out = pgwire.AppendCopyData(nil, bytes.Repeat([]byte("x"), 20*smallWrite))
			size := len(l.out)
			node := make(chan int)
			go func() {
				_, _ = far.Write(notice)
				time.Sleep(3 * stuck) // longer than a write may stand still
				n, _ := io.ReadFull(far, make([]byte, size))
				node <- n
			}()
			heard := make(chan []byte)
			go func() {
				b := make([]byte, len(notice))
				n, _ := io.ReadFull(client, b)
				heard <- b[:n]
			}()
			if err := s.flushLink(); err != nil {
				t.Fatal(err)
			}
			if n := <-node; n != size {
				t.Errorf("the node got %d of %d bytes", n, size)
			}
			if diff := cmp.Diff(notice, <-heard); diff != "" {
				t.Errorf("the client heard (-want +got):\n%s", diff)
			}
			if l.broken || len(l.out) > 0 {
				t.Errorf("broken %v, %d bytes left", l.broken, len(l.out))
			}
		})
	}
}

// A link that is given up in the middle of a write is not used again.
func TestWriteCutShort(t *testing.T) {
	near, far := net.Pipe()
	s, _, l := sessionOn(t, near)
	s.m.state = stateCopyIn
	l.replies.push(reply{kind: replyQuery})
	l.out = pgwire.AppendCopyData(nil, bytes.Repeat([]byte("x"), smallWrite))
	go func() {
		answer := appendModelError(nil, "23505")
		_, _ = far.Write(pgwire.AppendReadyForQuery(answer, txIdle))
	}()
	go func() { _, _ = io.Copy(io.Discard, s.conn.(*counting).other) }()
	if err := s.flushLink(); err != nil {
		t.Fatal(err)
	}
	if s.m.link != nil || s.m.leaving != l || !l.broken {
		t.Errorf("link %v, leaving %v, broken %v", s.m.link, s.m.leaving, l.broken)
	}
}

// counting is a client's connection and its other end.
type counting struct {
	net.Conn
	other net.Conn
}

// sessionOn makes a session that holds a link over a connection.
func sessionOn(t *testing.T, conn net.Conn) (s *Session, client net.Conn, l *link) {
	t.Helper()
	near, far := net.Pipe()
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
		_ = conn.Close()
	})
	cfg := testConfig(oneTable(1))
	c, err := backend.NewConn(conn, backend.ConnOptions{Node: "pg-1"})
	if err != nil {
		t.Fatal(err)
	}
	s = &Session{conn: &counting{near, far}, m: newMachine(cfg, noVars(), nil)}
	s.m.link = linkOf(c, nil, &cfg.links)
	return s, far, s.m.link
}

// encrypted puts TLS on both ends of a connection.
func encrypted(near, far net.Conn) (client, server net.Conn) {
	web := httptest.NewUnstartedServer(nil)
	web.StartTLS()
	certificates := web.TLS.Certificates
	web.Close()
	return tls.Client(near, &tls.Config{InsecureSkipVerify: true}), tls.Server(far, &tls.Config{Certificates: certificates})
}
