package router

import (
	"net"
	"testing"
	"time"
)

// A client that left is noticed whatever it said before; one that is there is
// never taken for gone.
func TestVanished(t *testing.T) {
	tests := []struct {
		name string
		do   func(far *net.TCPConn)
		gone bool
	}{
		{"quiet", func(*net.TCPConn) {}, false},
		{"pipelining", func(far *net.TCPConn) { _, _ = far.Write([]byte("more")) }, false},
		{"closed", func(far *net.TCPConn) { _ = far.Close() }, true},
		{"closed with a good-bye", func(far *net.TCPConn) {
			_, _ = far.Write([]byte{'X', 0, 0, 0, 4})
			_ = far.Close()
		}, true},
		{"reset", func(far *net.TCPConn) {
			_ = far.SetLinger(0)
			_ = far.Close()
		}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			near, far := tcpPair(t)
			tt.do(far)
			deadline := time.Now().Add(2 * time.Second)
			got := vanished(near)
			for got != tt.gone && time.Now().Before(deadline) {
				time.Sleep(time.Millisecond)
				got = vanished(near)
			}
			if !tt.gone {
				time.Sleep(20 * time.Millisecond)
				got = vanished(near)
			}
			if got != tt.gone {
				t.Errorf("vanished: %v, want %v", got, tt.gone)
			}
		})
	}
}

// tcpPair returns both ends of a connection, closed with the test.
func tcpPair(t *testing.T) (near net.Conn, far *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err = l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		_ = near.Close()
	})
	return near, conn.(*net.TCPConn)
}
