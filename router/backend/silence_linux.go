package backend

import (
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// limitSilence makes the kernel give up on a TCP connection whose peer does not
// acknowledge what was sent: keepalive alone works only while nothing is
// outstanding.
func limitSilence(network, _ string, raw syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return nil
	}
	return raw.Control(func(fd uintptr) {
		// The connection works without it too: a vanished server is noticed later.
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(vanished.Milliseconds()))
	})
}
