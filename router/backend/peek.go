package backend

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// peeker looks at a socket without reading from it and without blocking. All it
// needs is prepared once, so that a look allocates nothing.
type peeker struct {
	raw   syscall.RawConn // nil: there is no socket
	look  func(fd uintptr) bool
	n     int
	errno syscall.Errno
	first byte
}

// peeked is what a peeker saw.
type peeked uint8

// What can be seen.
const (
	peekedQuiet   peeked = iota + 1 // open, nothing to read
	peekedPending                   // open, bytes to read
	peekedGone                      // closed by the server, or an error
)

func (k *peeker) init(raw syscall.RawConn) { k.raw, k.look = raw, k.recv }

// recv peeks at the first byte. It always reports true: RawConn.Read must not
// wait for more. unix.Recvfrom would allocate an address; the call never
// blocks, so the scheduler need not know of it.
func (k *peeker) recv(fd uintptr) bool {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, fd,
			uintptr(unsafe.Pointer(&k.first)), 1, unix.MSG_PEEK|unix.MSG_DONTWAIT, 0, 0)
		if errno != unix.EINTR {
			k.n, k.errno = int(n), errno
			return true
		}
	}
}

// peek must not run beside a Read of the same connection: it would wait for it.
func (k *peeker) peek() peeked {
	if k.raw == nil {
		return peekedQuiet
	}
	if err := k.raw.Read(k.look); err != nil {
		return peekedGone
	}
	switch {
	case k.errno == unix.EAGAIN:
		return peekedQuiet
	case k.errno == 0 && k.n > 0:
		return peekedPending
	default: // end of file, or reset
		return peekedGone
	}
}
