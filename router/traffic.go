package router

import "net"

// Traffic counts the bytes of a database's clients. It must be cheap and safe
// for concurrent use.
type Traffic interface {
	Received(bytes int)
	Sent(bytes int)
}

// counted is a client's connection whose bytes are counted.
type counted struct {
	net.Conn
	traffic Traffic
}

// Read implements net.Conn.
func (c *counted) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.traffic.Received(n)
	return n, err
}

// Write implements net.Conn.
func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.traffic.Sent(n)
	return n, err
}
