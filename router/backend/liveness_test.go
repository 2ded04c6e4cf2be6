package backend

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"
)

func TestOnlyAsync(t *testing.T) {
	status := encode(t, &pgproto3.ParameterStatus{Name: "TimeZone", Value: "UTC"})
	notice := encode(t, &pgproto3.NoticeResponse{Severity: "NOTICE", Code: "00000", Message: "hello"})
	crash := encode(t, &pgproto3.NoticeResponse{Severity: "WARNING", Code: "57P02", Message: "crash of another server process"})
	news := encode(t, &pgproto3.NotificationResponse{PID: 1, Channel: "c", Payload: "p"})
	fatal := encode(t, &pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P01", Message: "terminating connection"})
	ready := encode(t, &pgproto3.ReadyForQuery{TxStatus: 'I'})
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	tests := []struct {
		name string
		b    []byte
		want bool
	}{
		{"nothing", nil, true},
		{"parameter", status, true},
		{"all three", join(status, notice, news), true},
		{"part of a header", status[:3], true},
		{"part of a body", join(news, status[:8]), true},
		{"part of a crash notice", crash[:12], true},
		{"fatal", fatal, false},
		{"part of fatal", fatal[:1], false},
		{"fatal behind others", join(status, notice, fatal), false},
		{"fatal behind others, in part", join(status, fatal[:1]), false},
		{"crash", join(status, crash), false},
		{"the end of somebody's answer", ready, false},
		{"length too small", []byte("S\x00\x00\x00\x03"), false},
		{"length too large", []byte("S\x7f\x00\x00\x03"), false},
		{"notice without an end", []byte("N\x00\x00\x00\x06C5"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := onlyAsync(tt.b); got != tt.want {
				t.Errorf("onlyAsync(%q) = %v", tt.b, got)
			}
		})
	}
}

func TestAlive(t *testing.T) {
	news := encode(t, &pgproto3.NotificationResponse{PID: 1, Channel: "c", Payload: strings.Repeat("p", 5000)})
	fatal := encode(t, &pgproto3.ErrorResponse{Severity: "FATAL", Code: "57P01", Message: "bye"})
	flood := bytes.Repeat(news, 2*maxPending/len(news))
	tests := []struct {
		name  string
		send  []byte
		close bool
		want  bool
	}{
		{name: "quiet", want: true},
		{name: "closed", close: true},
		{name: "news", send: news, want: true},
		{name: "part of news", send: news[:2000], want: true},
		{name: "news, closed", send: news, close: true},
		{name: "fatal", send: fatal},
		{name: "fatal, closed", send: fatal, close: true},
		{name: "flood", send: flood},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			nc, server := loopback(t)
			c, err := NewConn(nc, ConnOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := server.Write(tt.send); err != nil {
				t.Fatal(err)
			}
			if tt.close {
				if err := server.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if len(tt.send) > 0 || tt.close {
				eventually(t, "something to see", func() bool { return c.peeker.peek() != peekedQuiet })
				time.Sleep(10 * time.Millisecond) // all of it
			}
			if got := c.alive(); got != tt.want {
				t.Fatalf("alive: %v", got)
			}
			if !tt.want {
				return
			}
			if got := c.alive(); !got {
				t.Error("dead at the second look")
			}
			// The holder reads what came, and then waits as long as it likes.
			got := make([]byte, len(tt.send))
			for n := 0; n < len(got); {
				more, err := c.Read(got[n:])
				if err != nil {
					t.Fatal(err)
				}
				n += more
			}
			if !bytes.Equal(got, tt.send) {
				t.Errorf("read %q", got)
			}
			time.AfterFunc(20*time.Millisecond, func() { _, _ = server.Write([]byte("x")) })
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Errorf("a deadline was left behind: %v", err)
			}
		})
	}
}

// A deadline that a holder forgot does not make the connection look dead, nor
// end the next holder's Read.
func TestForgottenDeadline(t *testing.T) {
	p := idlePool(t, true)
	c := acquire(t, p)
	if err := c.SetDeadline(time.Now().Add(-time.Second)); err != nil {
		t.Fatal(err)
	}
	p.Release(c)
	got := acquire(t, p)
	if got != c {
		t.Error("the connection was taken to be dead")
	}
	p.Release(got)
}

// FuzzOnlyAsync holds the answer against a plain walk over the frames.
func FuzzOnlyAsync(f *testing.F) {
	f.Add([]byte("S\x00\x00\x00\x08a\x00b\x00"))
	f.Add([]byte("N\x00\x00\x00\x0bC57P02\x00\x00"))
	f.Add([]byte("A\x00\x00\x00\x04E\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		ok := onlyAsync(b)
		for rest := b; len(rest) > 0; {
			if !strings.ContainsRune("NSA", rune(rest[0])) {
				if ok {
					t.Errorf("%q is taken for asynchronous", rest)
				}
				return
			}
			if len(rest) < 5 {
				return
			}
			n := binary.BigEndian.Uint32(rest[1:])
			if n < 4 || int64(n) >= int64(len(rest)) {
				return
			}
			rest = rest[n+1:]
		}
	})
}
