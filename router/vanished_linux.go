package router

import (
	"net"

	"golang.org/x/sys/unix"
)

// vanished reports whether the other end of a socket was closed or reset. What it
// sent before does not matter: drivers say good-bye, and nobody has read that.
func vanished(conn net.Conn) bool {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
		n, err := unix.Poll(fds, 0)
		gone = err == nil && n > 0
	})
	return gone || err != nil
}
