package integration

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// network carries the connections between the peers of a cluster, and can keep
// back what one peer sends to another. What is kept back is sent later, as TCP
// does; connections can be broken, too.
type network struct {
	t testing.TB

	mu      sync.Mutex
	changed chan struct{} // closed and made anew
	cut     map[link]bool
	delay   time.Duration
	open    map[net.Conn]link // of the peer that dialed, to whom it dialed
	configs map[string]string // path of the configuration file -> id
	pids    map[int]string    // process -> id
	ended   bool
	group   sync.WaitGroup
}

// link is the way from one peer to another.
type link struct{ from, to string }

func newNetwork(t testing.TB) *network {
	n := &network{
		t: t, changed: make(chan struct{}), cut: make(map[link]bool), open: make(map[net.Conn]link),
		configs: make(map[string]string), pids: make(map[int]string),
	}
	t.Cleanup(n.close)
	return n
}

// front makes an address at which others reach the peer that listens at target.
func (n *network) front(id, config, target string) (address string) {
	n.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { l.Close() })
	n.mu.Lock()
	n.configs[config] = id
	n.mu.Unlock()
	n.group.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			n.group.Go(func() { n.relay(conn, id, target) })
		}
	})
	return l.Addr().String()
}

// relay carries one connection to a peer.
func (n *network) relay(from net.Conn, id, target string) {
	defer from.Close()
	source := n.sourceOf(from)
	way := link{source, id}
	if source == "" || !n.register(from, way) {
		return
	}
	defer n.forget(from)
	if !n.pass(way) {
		return
	}
	to, err := net.Dial("tcp", target)
	if err != nil || !n.register(to, way) {
		return
	}
	defer n.forget(to)
	defer to.Close()
	var group sync.WaitGroup
	group.Go(func() { n.carry(to, from, way) })
	group.Go(func() { n.carry(from, to, link{id, source}) })
	group.Wait()
}

// carry copies what one peer sends to the other.
func (n *network) carry(to, from net.Conn, way link) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 64<<10)
	for {
		count, err := from.Read(buffer)
		if !n.pass(way) || err != nil {
			return
		}
		if _, err := to.Write(buffer[:count]); err != nil {
			return
		}
	}
}

// pass waits while a link is cut, and for its delay; false at the end.
func (n *network) pass(way link) bool {
	delayed := false
	for {
		n.mu.Lock()
		cut, changed, delay, ended := n.cut[way], n.changed, n.delay, n.ended
		n.mu.Unlock()
		switch {
		case ended:
			return false
		case cut:
			<-changed
		case delay > 0 && !delayed:
			time.Sleep(delay)
			delayed = true
		default:
			return true
		}
	}
}

func (n *network) register(conn net.Conn, way link) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended {
		return false
	}
	n.open[conn] = way
	return true
}

func (n *network) forget(conn net.Conn) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, conn)
}

// update changes the state and wakes those who wait for it.
func (n *network) update(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
	close(n.changed)
	n.changed = make(chan struct{})
}

// silence keeps back what one peer sends to the others.
func (n *network) silence(from *proxy, to ...*proxy) {
	n.update(func() {
		for _, p := range to {
			n.cut[link{from.id, p.id}] = true
		}
	})
}

// isolate keeps back what goes between one peer and others, in both directions.
func (n *network) isolate(one *proxy, others ...*proxy) {
	n.silence(one, others...)
	for _, p := range others {
		n.silence(p, one)
	}
}

// heal lets everything through again. Where broken is set, the connections of the
// links that were cut are broken instead, and have to be made anew.
func (n *network) heal(broken bool) {
	n.update(func() {
		for conn, way := range n.open {
			if broken && (n.cut[way] || n.cut[link{way.to, way.from}]) {
				conn.Close()
			}
		}
		clear(n.cut)
	})
}

func (n *network) slow(d time.Duration) { n.update(func() { n.delay = d }) }

func (n *network) close() {
	n.update(func() {
		n.ended = true
		for conn := range n.open {
			conn.Close()
		}
	})
	n.group.Wait()
}

// sourceOf finds the peer that has dialed, "" if it is gone already.
func (n *network) sourceOf(conn net.Conn) string {
	theirs, ok := conn.RemoteAddr().(*net.TCPAddr)
	ours, ok2 := conn.LocalAddr().(*net.TCPAddr)
	if !ok || !ok2 {
		return ""
	}
	socket := "socket:[" + inodeOf(theirs.Port, ours.Port) + "]"
	for range 2 {
		n.mu.Lock()
		for pid, id := range n.pids {
			if holds(pid, socket) {
				n.mu.Unlock()
				return id
			}
		}
		n.mu.Unlock()
		n.lookUp() // it may have started since
	}
	return ""
}

// inodeOf is that of the socket of a connection on loopback, by its ports.
func inodeOf(local, remote int) string {
	file, err := os.Open("/proc/net/tcp")
	if err != nil {
		return ""
	}
	defer file.Close()
	return findInode(file, fmt.Sprintf(":%04X", local), fmt.Sprintf(":%04X", remote))
}

func findInode(table io.Reader, local, remote string) string {
	for lines := bufio.NewScanner(table); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) > 9 && strings.HasSuffix(fields[1], local) && strings.HasSuffix(fields[2], remote) {
			return fields[9]
		}
	}
	return ""
}

// holds says whether a process has a socket open.
func holds(pid int, socket string) bool {
	descriptors, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, d := range descriptors {
		if target, err := os.Readlink(d); err == nil && target == socket {
			return true
		}
	}
	return false
}

// lookUp finds the processes of the peers.
func (n *network) lookUp() {
	n.mu.Lock()
	defer n.mu.Unlock()
	lines, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, path := range lines {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		for _, argument := range strings.Split(string(content), "\x00") {
			if id, ok := n.configs[argument]; ok {
				if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
					n.pids[pid] = id
				}
			}
		}
	}
}
