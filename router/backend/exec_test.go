package backend

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

func TestExec(t *testing.T) {
	c := dial(t, DialOptions{DSN: cluster.NewDatabase(t, 0)})
	tests := []struct {
		name string
		sql  string
		want Result
		code string // SQLSTATE
	}{
		{
			name: "rows", sql: `SELECT 1 AS one, NULL::text, '' FROM generate_series(1, 2)`,
			want: Result{
				Columns:  []Column{{"one", 23}, {"text", 25}, {"?column?", 25}},
				Rows:     [][][]byte{{[]byte("1"), nil, {}}, {[]byte("1"), nil, {}}},
				Tag:      "SELECT 2",
				TxStatus: 'I',
			},
		},
		{name: "no rows", sql: "CREATE TABLE t (a int PRIMARY KEY)", want: Result{Tag: "CREATE TABLE", TxStatus: 'I'}},
		{name: "empty", sql: " -- nothing", want: Result{TxStatus: 'I'}},
		{name: "begin", sql: "BEGIN", want: Result{Tag: "BEGIN", TxStatus: 'T'}},
		{name: "write", sql: "INSERT INTO t VALUES (1), (2)", want: Result{Tag: "INSERT 0 2", TxStatus: 'T'}},
		{name: "error", sql: "INSERT INTO t VALUES (1)", want: Result{TxStatus: 'E'}, code: "23505"},
		{name: "aborted", sql: "SELECT 1", want: Result{TxStatus: 'E'}, code: "25P02"},
		{name: "rollback", sql: "ROLLBACK", want: Result{Tag: "ROLLBACK", TxStatus: 'I'}},
		{
			name: "the last of several", sql: "SELECT 1, 2; SELECT 'x' AS x",
			want: Result{Columns: []Column{{"x", 25}}, Rows: [][][]byte{{[]byte("x")}}, Tag: "SELECT 1", TxStatus: 'I'},
		},
		{
			name: "parameters", sql: "SET application_name = 'x'; SET TimeZone = 'UTC'; SET TimeZone = 'Asia/Tokyo'",
			want: Result{Tag: "SET", TxStatus: 'I', Parameters: map[string]string{"application_name": "x", "TimeZone": "Asia/Tokyo"}},
		},
		{name: "notice", sql: "DO $$ BEGIN RAISE NOTICE 'x'; END $$", want: Result{Tag: "DO", TxStatus: 'I'}},
		{name: "copy in", sql: "COPY t FROM STDIN", want: Result{TxStatus: 'I'}, code: "57014"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Exec(t.Context(), c, tt.sql)
			if sqlstate(err) != tt.code || errors.Is(err, ErrBroken) || (err != nil) != (tt.code != "") {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(tt.want, *got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if _, err := Exec(t.Context(), c, "COPY t TO STDOUT"); !errors.Is(err, errCopy) {
		t.Errorf("error of COPY TO STDOUT: %v", err)
	}
	if _, err := Exec(t.Context(), c, "SELECT 1\x00; DROP TABLE t"); err == nil || c.broken.Load() {
		t.Errorf("error %v of a NUL byte, broken %v", err, c.broken.Load())
	}
	queryOne(t, c, "SELECT 1")
}

// An error of the server keeps all its fields.
func TestExecErrorFields(t *testing.T) {
	c := dial(t, DialOptions{DSN: cluster.NewDatabase(t, 0)})
	if _, err := Exec(t.Context(), c, "CREATE TABLE t (a int CONSTRAINT positive CHECK (a > 0))"); err != nil {
		t.Fatal(err)
	}
	_, err := Exec(t.Context(), c, "INSERT INTO t VALUES (0)")
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pg.TableName != "t" || pg.ConstraintName != "positive" || pg.SchemaName != "public" ||
		pg.Severity != "ERROR" || !strings.Contains(pg.Detail, "(0)") || pg.Routine == "" {
		t.Errorf("%+v", pg)
	}
	_, err = Exec(t.Context(), c, "SELECT nonsense")
	if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Position != 8 {
		t.Errorf("%+v", pg)
	}
}

// Large results and statements pass.
func TestExecLarge(t *testing.T) {
	c := dial(t, DialOptions{DSN: anyDatabase(t)})
	r, err := Exec(t.Context(), c, "SELECT repeat('x', 1000) FROM generate_series(1, 2000)")
	if err != nil || len(r.Rows) != 2000 || len(r.Rows[1999][0]) != 1000 {
		t.Fatalf("error %v", err)
	}
	if got := queryOne(t, c, "SELECT length('"+strings.Repeat("y", 3<<20)+"')"); got != "3145728" {
		t.Errorf("length %s", got)
	}
}

// When its context ends, the statement ends on the server as well, and the
// connection is closed by Release.
func TestExecContext(t *testing.T) {
	p := pgPool(t, anyDatabase(t), PoolOptions{Max: 1})
	c := acquire(t, p)
	done, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Exec(done, c, "SELECT 1"); !errors.Is(err, context.Canceled) || errors.Is(err, ErrBroken) {
		t.Errorf("error %v before anything was sent", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err := Exec(ctx, c, "SELECT pg_sleep(60)")
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, ErrBroken) {
		t.Errorf("error %v", err)
	}
	pid := c.PID
	p.Release(c)
	next := acquire(t, p)
	if next == c {
		t.Error("the broken connection was used again")
	}
	eventually(t, "the end of the statement", func() bool {
		r, err := Exec(t.Context(), next, "SELECT pid FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(60)' AND state = 'active'")
		return err == nil && len(r.Rows) == 0
	})
	if pid == next.PID {
		t.Error("the same server process")
	}
	p.Release(next)
}

// What the server sends behind ReadyForQuery is left for the next holder.
func TestExecLeavesTheRest(t *testing.T) {
	answer := encode(t, &pgproto3.CommandComplete{CommandTag: []byte("X")}, &pgproto3.ReadyForQuery{TxStatus: 'I'})
	rest := encode(t, &pgproto3.ParameterStatus{Name: "a", Value: "b"})
	c, _ := scripted(t, append(bytes.Clone(answer), rest...))
	if _, err := Exec(t.Context(), c, "X"); err != nil {
		t.Fatal(err)
	}
	if !c.alive() {
		t.Error("dead")
	}
	got := make([]byte, len(rest)+1)
	n, err := c.Read(got[:3])
	if err != nil {
		t.Fatal(err)
	}
	c.Unread(got[:n])
	if n, err = c.Read(got); err != nil || !bytes.Equal(got[:n], rest) {
		t.Errorf("left %q, error %v", got[:n], err)
	}
}

func TestExecBadServer(t *testing.T) {
	tests := []struct{ name, answer string }{
		{"nothing", ""},
		{"half a header", "Z\x00\x00"},
		{"length too small", "C\x00\x00\x00\x03"},
		{"length negative", "D\xff\xff\xff\xff"},
		{"length huge", "D\x7f\xff\xff\xff"},
		{"half a body", "C\x00\x00\x00\x09SEL"},
		{"unknown type", "?\x00\x00\x00\x04"},
		{"bad row", "D\x00\x00\x00\x06\x00\x09"},
		{"authentication", "R\x00\x00\x00\x08\x00\x00\x00\x00"},
		{"bad status", "Z\x00\x00\x00\x04"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := scripted(t, []byte(tt.answer))
			if _, err := Exec(t.Context(), c, "X"); !errors.Is(err, ErrBroken) || !c.broken.Load() {
				t.Errorf("error %v, broken %v", err, c.broken.Load())
			}
		})
	}
}

// encode puts messages of a server in a row.
func encode(t testing.TB, messages ...pgproto3.BackendMessage) []byte {
	t.Helper()
	var b []byte
	for _, m := range messages {
		var err error
		if b, err = m.Encode(b); err != nil {
			t.Fatal(err)
		}
	}
	return b
}

// script is a server that sends what it is told whatever it reads.
type script struct {
	net.Conn
	answer *bytes.Reader
}

func (s script) Read(b []byte) (int, error)       { return s.answer.Read(b) }
func (s script) Write(b []byte) (int, error)      { return len(b), nil }
func (s script) Close() error                     { return nil }
func (s script) SetDeadline(time.Time) error      { return nil }
func (s script) SetReadDeadline(time.Time) error  { return nil }
func (s script) SetWriteDeadline(time.Time) error { return nil }

func scripted(t testing.TB, answer []byte) (*Conn, *bytes.Reader) {
	t.Helper()
	r := bytes.NewReader(answer)
	c, err := NewConn(script{answer: r}, ConnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return c, r
}

// FuzzExec sends anything as the answer. Exec returns, and does not take more
// than was meant for it: where it succeeds, the rest is left.
func FuzzExec(f *testing.F) {
	f.Add([]byte("C\x00\x00\x00\x05\x00Z\x00\x00\x00\x05I"))
	f.Add([]byte("T\x00\x00\x00\x06\x00\x00D\x00\x00\x00\x06\x00\x00Z\x00\x00\x00\x05TS\x00\x00"))
	f.Add([]byte("E\x00\x00\x00\x0dC57014\x00\x00Z\x00\x00\x00\x05E"))
	f.Add([]byte("G\x00\x00\x00\x07\x00\x00\x00Z\x00\x00\x00\x05I"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		c, r := scripted(t, answer)
		result, err := Exec(context.Background(), c, "X")
		broken := c.broken.Load()
		if broken != errors.Is(err, ErrBroken) {
			t.Errorf("error %v, broken %v", err, broken)
		}
		if broken {
			return
		}
		if result == nil {
			t.Fatal("no result")
		}
		left := len(c.unread) + r.Len()
		if ready := answer[:len(answer)-left]; len(ready) < 6 || !bytes.HasPrefix(ready[len(ready)-6:], []byte("Z\x00\x00\x00\x05")) {
			t.Errorf("stopped behind %q", ready)
		}
	})
}
