package pgstartup

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// scriptedConn is a client that sends bytes in pieces and then is gone.
type scriptedConn struct {
	in    []byte
	piece int
	out   bytes.Buffer
	most  int // the largest buffer given to Read
}

func (c *scriptedConn) Read(p []byte) (int, error) {
	c.most = max(c.most, len(p))
	if len(c.in) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), c.piece)], c.in)
	c.in = c.in[n:]
	return n, nil
}

func (c *scriptedConn) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *scriptedConn) Close() error                     { return nil }
func (c *scriptedConn) LocalAddr() net.Addr              { return nil }
func (c *scriptedConn) RemoteAddr() net.Addr             { return nil }
func (c *scriptedConn) SetDeadline(time.Time) error      { return nil }
func (c *scriptedConn) SetReadDeadline(time.Time) error  { return nil }
func (c *scriptedConn) SetWriteDeadline(time.Time) error { return nil }

// FuzzAccept: whatever a client sends, nobody logs in without a password, the
// error is one of those promised, and memory stays bounded.
func FuzzAccept(f *testing.F) {
	for _, b := range [][]byte{
		nil,
		packet(sslRequestCode, ""),
		append(packet(sslRequestCode, ""), startupPacket(Version30, "user", "app")...),
		append(packet(gssencRequestCode, ""), 'x'),
		packet(cancelRequestCode, "\x00\x00\x00\x09abcd"),
		startupPacket(Version32, "user", "app", "options", `-c a=b\ c`, "_pq_.x", ""),
		append(startupPacket(Version30, "user", "app"), initialResponse(mechanismPlain, clientFirst)...),
		append(append(startupPacket(Version30, "user", "nobody"), initialResponse(mechanismPlain, clientFirst)...),
			response("c=biws,r=x,p=AAAA")...),
		packet(2<<16, strings.Repeat("\x00", 288)),
		{0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0},
	} {
		f.Add(b, byte(255))
		f.Add(b, byte(1))
	}
	users := testUsers(f)
	ca := newAuthority(f)
	plain, err := New(Options{Users: users})
	if err != nil {
		f.Fatal(err)
	}
	secure, err := New(Options{Users: users, TLS: TLSPrefer, TLSConfig: ca.serverConfig(f)})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, in []byte, piece byte) {
		for _, a := range []*Acceptor{plain, secure} {
			conn := &scriptedConn{in: in, piece: max(1, int(piece))}
			r, err := a.Accept(context.Background(), conn)
			e, visible := errors.AsType[*sqlerr.Error](err)
			switch {
			case err == nil && r.Cancel == nil:
				t.Fatalf("%q logs in", in)
			case err == nil:
			case visible && e.SQLState == "XX000":
				t.Fatalf("%q: %v", in, e.Unwrap())
			case visible && e.Severity != sqlerr.SeverityFatal, !visible && !errors.Is(err, ErrClientGone):
				t.Fatalf("%q: %v", in, err)
			}
			// crypto/tls makes room for a record, which may have 18 kB.
			if limit := 4*len(in) + 32<<10; conn.most > limit {
				t.Fatalf("a buffer of %d bytes for %d bytes sent", conn.most, len(in))
			}
		}
	})
}

func FuzzParseStartup(f *testing.F) {
	f.Add([]byte("user\x00app\x00\x00"))
	f.Add([]byte("user\x00app\x00database\x00d\x00options\x00-c a=b --c-d=e\x00_pq_.x\x001\x00\x00"))
	f.Add([]byte("user\x00app\x00replication\x00no\x00\x00"))
	f.Add([]byte("user\x00app"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := parseStartup(Version30, body)
		if err != nil {
			if e, ok := errors.AsType[*sqlerr.Error](err); !ok || e.Severity != sqlerr.SeverityFatal {
				t.Fatalf("%v is no FATAL error", err)
			}
			out := pgwire.AppendErrorResponse(nil, sqlerr.From(err))
			var report pgwire.Report
			if err := report.Decode(out); err != nil {
				t.Fatalf("the refusal of %q cannot be sent: %v", body, err)
			}
			return
		}
		if s.user == "" || s.database == "" {
			t.Fatalf("%q: user %q, database %q", body, s.user, s.database)
		}
		for _, p := range s.settings {
			if p.Name == "" || strings.HasPrefix(p.Name, "_pq_.") || strings.ContainsRune(p.Name+p.Value, 0) {
				t.Fatalf("setting %q", p)
			}
		}
	})
}

// FuzzSplitOptions: arguments survive being written with escapes.
func FuzzSplitOptions(f *testing.F) {
	f.Add("-c", `a=b c\d`)
	f.Add("x", "\t\n\v\f\r ")
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == "" || b == "" {
			return
		}
		escape := func(s string) string {
			var out strings.Builder
			for i := range len(s) {
				out.WriteByte('\\')
				out.WriteByte(s[i])
			}
			return out.String()
		}
		got := splitOptions(" " + escape(a) + " \t" + escape(b) + "\n")
		if diff := cmp.Diff([]string{a, b}, got); diff != "" {
			t.Fatalf("-want +got:\n%s", diff)
		}
	})
}
