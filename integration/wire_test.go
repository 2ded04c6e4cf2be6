package integration

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// wire is a client that speaks the protocol message by message.
type wire struct {
	t    testing.TB
	conn net.Conn
	*pgproto3.Frontend
}

// wire logs in with pgx and takes the connection over.
func (p *proxy) wire(parameters ...string) *wire {
	p.t.Helper()
	return wireTo(p.t, p.dsn(parameters...))
}

func wireTo(t testing.TB, dsn string) *wire {
	t.Helper()
	c, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	h, err := c.PgConn().Hijack()
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t, conn: h.Conn, Frontend: h.Frontend}
	t.Cleanup(func() { _ = w.conn.Close() })
	return w
}

// send writes messages in one go.
func (w *wire) send(messages ...pgproto3.FrontendMessage) {
	w.t.Helper()
	for _, m := range messages {
		w.Send(m)
	}
	if err := w.Flush(); err != nil {
		w.t.Fatalf("send: %v", err)
	}
}

// until reads messages up to one of a type (a letter: "Z"), in a short form.
func (w *wire) until(last string) []string {
	w.t.Helper()
	var list []string
	for {
		m := w.next()
		list = append(list, m)
		if strings.HasPrefix(m, last) {
			return list
		}
	}
}

// next reads one message in a short form: type and what matters of it.
func (w *wire) next() string {
	w.t.Helper()
	if err := w.conn.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		w.t.Fatal(err)
	}
	m, err := w.Receive()
	if err != nil {
		w.t.Fatalf("receive: %v", err)
	}
	return short(m)
}

// silent fails the test if anything arrives within d.
func (w *wire) silent(d time.Duration) {
	w.t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(d))
	m, err := w.Receive()
	if err == nil {
		w.t.Fatalf("received %s, want nothing", short(m))
	}
	if timeout, ok := err.(net.Error); !ok || !timeout.Timeout() {
		w.t.Fatalf("receive: %v, want silence", err)
	}
}

// short is a message in a few characters.
func short(m pgproto3.BackendMessage) string {
	switch m := m.(type) {
	case *pgproto3.ParseComplete:
		return "1"
	case *pgproto3.BindComplete:
		return "2"
	case *pgproto3.CloseComplete:
		return "3"
	case *pgproto3.NoData:
		return "n"
	case *pgproto3.PortalSuspended:
		return "s"
	case *pgproto3.EmptyQueryResponse:
		return "I"
	case *pgproto3.ParameterDescription:
		return fmt.Sprintf("t%v", m.ParameterOIDs)
	case *pgproto3.RowDescription:
		names := make([]string, len(m.Fields))
		for i, f := range m.Fields {
			names[i] = string(f.Name)
		}
		return "T " + strings.Join(names, ",")
	case *pgproto3.DataRow:
		values := make([]string, len(m.Values))
		for i, v := range m.Values {
			values[i] = string(v)
			if v == nil {
				values[i] = "NULL"
			}
		}
		return "D " + strings.Join(values, ",")
	case *pgproto3.CommandComplete:
		return "C " + string(m.CommandTag)
	case *pgproto3.ErrorResponse:
		return "E " + m.Code
	case *pgproto3.NoticeResponse:
		return "N " + m.Message
	case *pgproto3.ParameterStatus:
		return "S " + m.Name + "=" + m.Value
	case *pgproto3.ReadyForQuery:
		return "Z " + string(m.TxStatus)
	case *pgproto3.CopyInResponse:
		return "G"
	case *pgproto3.CopyOutResponse:
		return "H"
	case *pgproto3.CopyData:
		return "d " + string(m.Data)
	case *pgproto3.CopyDone:
		return "c"
	}
	return fmt.Sprintf("%T", m)
}

// simple sends a Query and returns the answer up to ReadyForQuery.
func (w *wire) simple(sql string) []string {
	w.t.Helper()
	w.send(&pgproto3.Query{String: sql})
	return w.until("Z")
}

// errorsIn returns the SQLSTATEs of the errors among messages.
func errorsIn(messages []string) []string {
	var list []string
	for _, m := range messages {
		if strings.HasPrefix(m, "E ") {
			list = append(list, strings.TrimPrefix(m, "E "))
		}
	}
	return list
}
