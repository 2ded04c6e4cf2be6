package nonblock

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pair returns the two ends of a connection, the first one wrapped.
func pair(t testing.TB) (*Conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c, ok := Wrap(near).(*Conn)
	if !ok {
		t.Fatal("a TCP connection was not wrapped")
	}
	t.Cleanup(func() {
		_ = near.Close()
		_ = far.Close()
	})
	return c, far.(*net.TCPConn)
}

func TestOtherConnectionsStayAsTheyAre(t *testing.T) {
	a, b := net.Pipe()
	defer a.Close()
	defer b.Close()
	if Wrap(a) != a {
		t.Error("a pipe was wrapped")
	}
}

// TestEcho sends messages of many sizes there and back.
func TestEcho(t *testing.T) {
	c, far := pair(t)
	go func() { _, _ = io.Copy(far, far) }()
	for _, size := range []int{1, 2, 100, 4096, large - 1, large, large + 1, 5 * large} {
		sent := make([]byte, size)
		_, _ = rand.Read(sent)
		go func() {
			if n, err := c.Write(sent); n != size || err != nil {
				t.Errorf("Write of %d bytes: %d, %v", size, n, err)
			}
		}()
		got := make([]byte, size)
		if _, err := io.ReadFull(c, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(sent, got) {
			t.Errorf("%d bytes came back changed", size)
		}
	}
}

// TestWriteWaits fills the socket's buffers, so that Write has to wait for a
// reader, more than once.
func TestWriteWaits(t *testing.T) {
	c, far := pair(t)
	_ = c.SetWriteBuffer(4096)
	_ = far.SetReadBuffer(128 << 10)
	sent := make([]byte, large)
	_, _ = rand.Read(sent)
	const times = 40
	failed := make(chan error, 1)
	go func() {
		for range times {
			if n, err := c.Write(sent); n != len(sent) || err != nil {
				failed <- errors.Join(err, errors.New("short write"))
				return
			}
		}
		failed <- nil
	}()
	got := make([]byte, len(sent))
	for range times {
		if _, err := io.ReadFull(far, got); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(sent, got) {
			t.Fatal("bytes came changed")
		}
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

func TestEmptyCalls(t *testing.T) {
	c, _ := pair(t)
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Errorf("Read: %d, %v", n, err)
	}
	if n, err := c.Write(nil); n != 0 || err != nil {
		t.Errorf("Write: %d, %v", n, err)
	}
}

func TestEndOfStream(t *testing.T) {
	c, far := pair(t)
	if _, err := far.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_ = far.CloseWrite()
	b := make([]byte, 8)
	if n, err := c.Read(b); n != 1 || err != nil {
		t.Errorf("the last byte: %d, %v", n, err)
	}
	if n, err := c.Read(b); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("the end: %d, %v", n, err)
	}
}

// TestErrors compares the errors with those of the connection below.
func TestErrors(t *testing.T) {
	past := time.Unix(1, 0)
	tests := []struct {
		name    string
		prepare func(c *Conn, far *net.TCPConn)
		write   bool
		want    error
		timeout bool
	}{
		{"read deadline", func(c *Conn, _ *net.TCPConn) { _ = c.SetReadDeadline(past) }, false, os.ErrDeadlineExceeded, true},
		{"write deadline", func(c *Conn, _ *net.TCPConn) { _ = c.SetWriteDeadline(past) }, true, os.ErrDeadlineExceeded, true},
		{"read closed", func(c *Conn, _ *net.TCPConn) { _ = c.Close() }, false, net.ErrClosed, false},
		{"write closed", func(c *Conn, _ *net.TCPConn) { _ = c.Close() }, true, net.ErrClosed, false},
		{"read reset", reset, false, syscall.ECONNRESET, false},
		{"write without read", func(c *Conn, _ *net.TCPConn) { _ = c.CloseWrite() }, true, syscall.EPIPE, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for _, below := range []bool{false, true} {
				c, far := pair(t)
				test.prepare(c, far)
				var conn net.Conn = c
				if below {
					conn = c.TCPConn
				}
				call := conn.Read
				if test.write {
					call = conn.Write
				}
				_, err := call(make([]byte, 8))
				var op *net.OpError
				if !errors.Is(err, test.want) || !errors.As(err, &op) || op.Timeout() != test.timeout {
					t.Errorf("below %v: error %v, want %v", below, err, test.want)
				}
			}
		})
	}
}

// reset makes the other end send RST and waits until it is here.
func reset(c *Conn, far *net.TCPConn) {
	_ = far.SetLinger(0)
	_ = far.Close()
	waitReadable(c)
}

// waitReadable waits until the socket has something to say, without taking it.
func waitReadable(c *Conn) {
	raw, _ := c.SyscallConn()
	_ = raw.Control(func(fd uintptr) {
		_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 5000)
	})
}

// TestCloseWakes checks that Close ends a Read and a Write that wait.
func TestCloseWakes(t *testing.T) {
	c, _ := pair(t)
	_ = c.SetWriteBuffer(4096)
	errs := make(chan error, 2)
	go func() {
		_, err := c.Read(make([]byte, 8))
		errs <- err
	}()
	go func() {
		for {
			if _, err := c.Write(make([]byte, large)); err != nil {
				errs <- err
				return
			}
		}
	}()
	time.Sleep(20 * time.Millisecond) // so that both wait, usually
	_ = c.Close()
	for range 2 {
		if err := <-errs; !errors.Is(err, net.ErrClosed) {
			t.Errorf("error %v", err)
		}
	}
}

// TestDeadlineWakes checks that a deadline ends a Read that waits, and that the
// connection can be used afterwards.
func TestDeadlineWakes(t *testing.T) {
	c, far := pair(t)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	b := make([]byte, 8)
	if _, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("error %v", err)
	}
	_ = c.SetReadDeadline(time.Time{})
	if _, err := far.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(b); n != 1 || err != nil {
		t.Errorf("Read: %d, %v", n, err)
	}
}

// BenchmarkRoundTrip is a message to another goroutine and back, wrapped and
// not.
func BenchmarkRoundTrip(b *testing.B) {
	for _, wrapped := range []bool{false, true} {
		name := "net"
		if wrapped {
			name = "nonblock"
		}
		b.Run(name, func(b *testing.B) {
			c, far := pair(b)
			var near, other net.Conn = c.TCPConn, far
			if wrapped {
				near, other = c, Wrap(far)
			}
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			context.AfterFunc(ctx, func() { _ = other.Close() })
			go answer(other)
			message := make([]byte, 100)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := near.Write(message); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(near, message); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// answer returns what comes.
func answer(conn net.Conn) {
	b := make([]byte, 4096)
	for {
		n, err := conn.Read(b)
		if err != nil {
			return
		}
		if _, err := conn.Write(b[:n]); err != nil {
			return
		}
	}
}
