package meta_test

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// links carries the connections between peers through relays, one for each
// direction between two peers, so that they can be cut and mended.
type links struct {
	group sync.WaitGroup
	mu    struct {
		sync.Mutex
		names   map[string]string // by address
		blocked map[[2]string]bool
		conns   map[net.Conn][2]string
	}
}

func newLinks(t *testing.T) *links {
	l := &links{}
	l.mu.names = make(map[string]string)
	l.mu.blocked = make(map[[2]string]bool)
	l.mu.conns = make(map[net.Conn][2]string)
	t.Cleanup(l.group.Wait)
	return l
}

// name says who listens at an address.
func (l *links) name(address, peer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.names[address] = peer
}

var errCut = errors.New("the link is cut")

// dialer returns the function by which a peer reaches the others.
func (l *links) dialer(from string) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		l.mu.Lock()
		way := [2]string{from, l.mu.names[address]}
		blocked := l.mu.blocked[way]
		l.mu.Unlock()
		if blocked {
			return nil, errCut
		}
		far, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		near, err := l.relay(ctx, way, far)
		if err != nil {
			far.Close()
		}
		return near, err
	}
}

// relay puts itself between the two ends of a connection.
func (l *links) relay(ctx context.Context, way [2]string, far net.Conn) (net.Conn, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	near, err := new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
	if err != nil {
		return nil, err
	}
	middle, err := listener.Accept()
	if err != nil {
		near.Close()
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.blocked[way] {
		near.Close()
		middle.Close()
		return nil, errCut
	}
	l.mu.conns[middle], l.mu.conns[far] = way, way
	copyAll := func(to, from net.Conn) {
		_, _ = io.Copy(to, from)
		to.Close()
		from.Close()
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.mu.conns, to)
		delete(l.mu.conns, from)
	}
	l.group.Go(func() { copyAll(far, middle) })
	l.group.Go(func() { copyAll(middle, far) })
	return near, nil
}

// cut separates one peer from the others, in both directions; mend ends that.
func (l *links) cut(peer string, others ...string) { l.set(true, peer, others) }

func (l *links) mend(peer string, others ...string) { l.set(false, peer, others) }

func (l *links) set(blocked bool, peer string, others []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, other := range others {
		for _, way := range [][2]string{{peer, other}, {other, peer}} {
			l.mu.blocked[way] = blocked
			for conn, of := range l.mu.conns {
				if blocked && of == way {
					conn.Close()
				}
			}
		}
	}
}
