package nonblock

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// large is the number of bytes from which a call may take so long that the
// scheduler should know of it.
const large = 64 << 10

// Conn is a TCP connection. All methods may be called by several goroutines.
type Conn struct {
	*net.TCPConn
	in, out transfer
}

// transfer is one direction of a connection. What is under way is kept in it,
// and step is made once, so that a call allocates nothing.
type transfer struct {
	mu sync.Mutex
	// wait calls step with the socket until it reports true, and waits in
	// between for the socket to become ready.
	wait  func(step func(fd uintptr) bool) error
	step  func(fd uintptr) bool
	rest  []byte
	done  int
	errno syscall.Errno
}

// Wrap returns conn with cheaper Read and Write where it is a *net.TCPConn, and
// conn itself where it is not. It holds no bytes back: conn may be used beside
// it.
func Wrap(conn net.Conn) net.Conn {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return conn
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return conn
	}
	c := &Conn{TCPConn: tcp}
	c.in.wait, c.in.step = raw.Read, c.in.read
	c.out.wait, c.out.step = raw.Write, c.out.write
	return c
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) {
	if len(b) == 0 || len(b) > large {
		return c.TCPConn.Read(b)
	}
	n, err := c.in.run(b)
	switch {
	case err != nil:
		return n, c.wrap("read", err)
	case n == 0:
		return 0, io.EOF
	}
	return n, nil
}

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) {
	if len(b) == 0 || len(b) > large {
		return c.TCPConn.Write(b)
	}
	n, err := c.out.run(b)
	if err != nil {
		return n, c.wrap("write", err)
	}
	return n, nil
}

// wrap makes an error look as net.TCPConn's would.
func (c *Conn) wrap(op string, err error) error {
	var inner *net.OpError
	if errors.As(err, &inner) { // of the RawConn, which calls itself raw-read
		err = inner.Err
	}
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// run moves b and returns how much of it.
func (t *transfer) run(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rest, t.done, t.errno = b, 0, 0
	err := t.wait(t.step)
	t.rest = nil
	if err == nil && t.errno != 0 {
		err = os.NewSyscallError("socket", t.errno)
	}
	return t.done, err
}

// read takes what the socket has. It reports false where that is nothing yet.
func (t *transfer) read(fd uintptr) bool {
	n, errno := call(unix.SYS_READ, fd, t.rest)
	if errno == unix.EAGAIN {
		return false
	}
	t.done, t.errno = n, errno
	return true
}

// write gives the socket what it takes. It reports false where something is
// left over.
func (t *transfer) write(fd uintptr) bool {
	for len(t.rest) > 0 {
		n, errno := call(unix.SYS_WRITE, fd, t.rest)
		if errno == unix.EAGAIN {
			return false
		}
		if errno != 0 {
			t.errno = errno
			return true
		}
		t.rest, t.done = t.rest[n:], t.done+n
	}
	return true
}

// call makes a system call that does not block, again if a signal interrupted
// it. b is not empty.
func call(trap, fd uintptr, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := unix.RawSyscall(trap, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		if errno == 0 {
			return int(n), 0
		}
		if errno != unix.EINTR {
			return 0, errno
		}
	}
}

var _ net.Conn = (*Conn)(nil)
