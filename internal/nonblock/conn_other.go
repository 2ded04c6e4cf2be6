//go:build !linux

package nonblock

import "net"

// Wrap returns conn: this is worth its trouble on Linux only.
func Wrap(conn net.Conn) net.Conn { return conn }
