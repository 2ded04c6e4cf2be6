package backend

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestUnixSocket(t *testing.T) {
	c := dial(t, DialOptions{DSN: anyDatabase(t)})
	dir, _, _ := strings.Cut(queryOne(t, c, "SHOW unix_socket_directories"), ",")
	if dir == "" {
		t.Fatal("the server has no unix socket")
	}
	port := queryOne(t, c, "SHOW port")
	u, err := url.Parse(anyDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	dsn := fmt.Sprintf("host=%s port=%s user=%s password=%s dbname=postgres", dir, port, u.User.Username(), password)
	testCancel(t, dsn)
}

// proxy relays to a server; it holds back cancel requests until told.
type proxy struct {
	addr    string
	arrived chan struct{} // one value for each cancel request
	forward chan struct{}
	pass    func() // closes forward: the cancel requests go on
	mu      struct {
		sync.Mutex
		codes []uint32 // of the first packets
	}
}

// proxied returns dsn with a proxy in front of its server.
func proxied(t *testing.T, dsn string) (string, *proxy) {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, u.Host)
	u.Host = p.addr
	return u.String(), p
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{addr: l.Addr().String(), arrived: make(chan struct{}, 10), forward: make(chan struct{})}
	p.pass = sync.OnceFunc(func() { close(p.forward) })
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			group.Go(func() { p.relay(c, server) })
		}
	})
	t.Cleanup(func() { p.pass(); _ = l.Close(); group.Wait() })
	return p
}

func (p *proxy) relay(client net.Conn, server string) {
	defer func() { _ = client.Close() }()
	var head [8]byte
	if _, err := io.ReadFull(client, head[:]); err != nil {
		return
	}
	code := binary.BigEndian.Uint32(head[4:])
	p.mu.Lock()
	p.mu.codes = append(p.mu.codes, code)
	p.mu.Unlock()
	if code == cancelRequestCode {
		p.arrived <- struct{}{}
		<-p.forward
	}
	s, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer func() { _ = s.Close() }()
	if _, err := s.Write(head[:]); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(s, client)
		_ = s.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(client, s)
}

// A cancel request that is on its way when its client releases the connection
// holds up the next client, and does not hit it.
func TestCancelNeverHitsTheNextClient(t *testing.T) {
	dsn, proxy := proxied(t, withParams(t, anyDatabase(t), map[string]string{"sslmode": "disable"}))
	p := pgPool(t, dsn, PoolOptions{Max: 1})

	a := acquire(t, p)
	k := a.Canceler()
	cancelled := make(chan error, 1)
	go func() { cancelled <- k.Cancel(context.Background()) }()
	<-proxy.arrived
	queryOne(t, a, "SELECT 1")
	p.Release(a)

	patience, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Acquire(patience); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("the next client was served with a cancel request in flight: %v", err)
	}
	time.AfterFunc(50*time.Millisecond, proxy.pass)
	b := acquire(t, p)
	if b != a {
		t.Error("the connection was replaced")
	}
	if _, err := Exec(t.Context(), b, "SELECT pg_sleep(0.2)"); err != nil {
		t.Errorf("the next client's statement: %v", err)
	}
	if err := <-cancelled; err != nil {
		t.Error(err)
	}
	p.Release(b)
}

// A cancel request of which nothing is known may arrive at any time: its
// connection is closed.
func TestLostCancelRequest(t *testing.T) {
	dsn, proxy := proxied(t, withParams(t, anyDatabase(t), map[string]string{"sslmode": "disable"}))
	p := pgPool(t, dsn, PoolOptions{Max: 1})
	a := acquire(t, p)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-proxy.arrived; cancel() }()
	if err := a.Cancel(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	p.Release(a)
	b := acquire(t, p)
	if a == b {
		t.Error("the connection was used again")
	}
	proxy.pass()
	if _, err := Exec(t.Context(), b, "SELECT pg_sleep(0.1)"); err != nil {
		t.Error(err)
	}
	p.Release(b)
}

// Cancel requests at random moments around the release never hit a client that
// did not ask.
func TestCancelStorm(t *testing.T) {
	p := pgPool(t, anyDatabase(t), PoolOptions{Max: 2})
	var group sync.WaitGroup
	stop := time.Now().Add(1500 * time.Millisecond)
	var hits, victims int
	var mu sync.Mutex
	for i := range 6 {
		group.Go(func() {
			for time.Now().Before(stop) {
				c, err := p.Acquire(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				if i%2 == 0 {
					k := c.Canceler()
					group.Add(1)
					time.AfterFunc(time.Duration(rand.IntN(3000))*time.Microsecond, func() {
						defer group.Done()
						_ = k.Cancel(context.Background())
					})
				}
				_, err = Exec(t.Context(), c, "SELECT pg_sleep(0.002)")
				p.Release(c)
				mu.Lock()
				switch {
				case err == nil:
				case sqlstate(err) != "57014":
					t.Error(err)
				case i%2 == 0:
					hits++
				default:
					victims++
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if victims > 0 || hits == 0 {
		t.Errorf("%d statements cancelled as asked, %d of other clients", hits, victims)
	}
	if s := p.Stats(); s.Closed != 0 {
		t.Errorf("connections were closed: %+v", s)
	}
}
