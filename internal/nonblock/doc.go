// Package nonblock reads from and writes to TCP sockets without telling Go's
// scheduler about it.
//
// Go announces each system call to its scheduler, which may hand the processor
// to another thread meanwhile. Sockets are non-blocking, so their calls return
// within microseconds, and for a proxy that makes four of them for each
// statement the announcements, the threads woken for nothing and the monitor
// thread that watches system calls cost a quarter of its CPU time.
//
// Where a socket has nothing to read, or no room for more, the goroutine waits
// in Go's poller as usual: deadlines and Close work as they do on a
// net.TCPConn.
package nonblock
