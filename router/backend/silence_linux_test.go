package backend

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A server that vanishes while something is on its way to it is noticed.
func TestVanishedServerIsNoticed(t *testing.T) {
	c := dial(t, DialOptions{DSN: withParams(t, anyDatabase(t), map[string]string{"sslmode": "disable"})})
	raw, err := c.nc.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	options := map[string][2]int{
		"TCP_NODELAY":      {unix.IPPROTO_TCP, unix.TCP_NODELAY},
		"SO_KEEPALIVE":     {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
		"TCP_USER_TIMEOUT": {unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT},
	}
	for name, o := range options {
		if err := raw.Control(func(fd uintptr) {
			v, err := unix.GetsockoptInt(int(fd), o[0], o[1])
			if err != nil || v == 0 {
				t.Errorf("%s is %d, error %v", name, v, err)
			}
		}); err != nil {
			t.Error(err)
		}
	}
}
