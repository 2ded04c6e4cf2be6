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
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"shardproxy/protocol/sqlerr"
)

func dial(t testing.TB, o DialOptions) *Conn {
	t.Helper()
	c, err := DialPostgres(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func TestDialPostgres(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	before := time.Now()
	c := dial(t, DialOptions{Node: "pg-7", DSN: dsn})
	if c.Node != "pg-7" || len(c.Secret) == 0 || c.CreatedAt.Before(before) || c.Encrypted() {
		t.Errorf("%+v", c)
	}
	if v := c.Parameters["server_version"]; v == "" || c.Parameters["application_name"] != "shardproxy" {
		t.Errorf("parameters %v", c.Parameters)
	}
	if pid := queryOne(t, c, "SELECT pg_backend_pid()"); pid != strconv.Itoa(int(c.PID)) {
		t.Errorf("pid %s, want %d", pid, c.PID)
	}
}

func TestDialOverrides(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	adminDSN := cluster.AdminDSN(t, 0, dsn)
	role := "other_" + strings.ToLower(t.Name())
	admin(t, adminDSN, "DROP ROLE IF EXISTS "+role, "CREATE ROLE "+role+" LOGIN PASSWORD 'other-secret'")
	t.Cleanup(func() {
		if c, err := DialPostgres(context.Background(), DialOptions{DSN: adminDSN}); err == nil {
			_, err = Exec(context.Background(), c, "DROP ROLE "+role)
			if err = errors.Join(err, c.Close()); err != nil {
				t.Error(err)
			}
		}
	})
	c := dial(t, DialOptions{
		DSN: dsn, User: role, Password: "other-secret", Database: "postgres", ApplicationName: "moves",
	})
	got := queryOne(t, c, "SELECT concat_ws(' ', current_user, current_database(), current_setting('application_name'))")
	if got != role+" postgres moves" {
		t.Errorf("logged in as %q", got)
	}

	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	owner := u.User.Username()
	password, _ := u.User.Password()
	u.User = url.UserPassword(owner, "wrong")
	c = dial(t, DialOptions{DSN: u.String(), User: owner, Password: password})
	if got := queryOne(t, c, "SELECT current_user"); got != owner {
		t.Errorf("logged in as %q", got)
	}

	// The DSN's password is not sent for another user.
	_, err = DialPostgres(t.Context(), DialOptions{DSN: withParams(t, dsn, map[string]string{"passfile": "/nonexistent"}), User: role})
	if err == nil {
		t.Error("logged in without a password")
	}
}

func TestDialErrors(t *testing.T) {
	good, err := url.Parse(cluster.NewDatabase(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	password := *good
	password.User = url.UserPassword(good.User.Username(), "s3cret")
	database := *good
	database.Path = "/no_such_database"
	hook := errors.New("identity differs")
	tests := []struct {
		name string
		o    DialOptions
		want string // part of the error
		is   error
		code string
	}{
		{name: "wrong password", o: DialOptions{DSN: password.String()}, want: good.Host, code: "28P01"},
		{name: "unknown database", o: DialOptions{DSN: database.String()}, want: "no_such_database", code: "3D000"},
		{name: "refused", o: DialOptions{DSN: "postgres://u:s3cret@127.0.0.1:1/d"}, want: "127.0.0.1:1"},
		{name: "no DSN at all", o: DialOptions{DSN: "postgres://u:s3cret@[::1/d"}, want: "malformed"},
		{name: "stray slash", o: DialOptions{DSN: "postgres://u:s3/s3cret@h:1x/d"}, want: "malformed"},
		{name: "bad keyword DSN", o: DialOptions{DSN: "host=h password=s3cret port=x"}, want: "malformed"},
		{name: "missing file", o: DialOptions{DSN: "host=h password=s3cret sslmode=verify-full sslrootcert=/none"}, want: "file"},
		{
			name: "hook", want: "identity differs", is: hook,
			o: DialOptions{DSN: good.String(), OnConnect: func(context.Context, *pgconn.PgConn) error { return hook }},
		},
		{
			name: "hook leaves a transaction", want: "transaction status 'T'",
			o: DialOptions{DSN: good.String(), OnConnect: func(ctx context.Context, pg *pgconn.PgConn) error {
				return pg.Exec(ctx, "BEGIN").Close()
			}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.o.Node = "pg-7"
			_, err := DialPostgres(t.Context(), tt.o)
			if err == nil {
				t.Fatal("no error")
			}
			text := err.Error() + fmt.Sprintf("%+v", err)
			if !strings.Contains(text, tt.want) || !strings.Contains(text, `"pg-7"`) {
				t.Errorf("error %q lacks %q", err, tt.want)
			}
			if strings.Contains(text, "s3cret") {
				t.Errorf("error %q contains the password", err)
			}
			if tt.is != nil && !errors.Is(err, tt.is) || sqlstate(err) != tt.code {
				t.Errorf("error %v, SQLSTATE %q", err, sqlstate(err))
			}
		})
	}
}

func TestHookSeesConnection(t *testing.T) {
	c := dial(t, DialOptions{
		DSN: cluster.NewDatabase(t, 0),
		OnConnect: func(ctx context.Context, pg *pgconn.PgConn) error {
			return pg.Exec(ctx, "SET statement_timeout = 12345; NOTIFY x").Close()
		},
	})
	if got := queryOne(t, c, "SHOW statement_timeout"); got != "12345ms" {
		t.Errorf("statement_timeout %s", got)
	}
}

// bothHosts is b with a's host before its own.
func bothHosts(t testing.TB, a, b string) string {
	t.Helper()
	first, err := pgconn.ParseConfig(a)
	if err != nil {
		t.Fatal(err)
	}
	second, err := pgconn.ParseConfig(b)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("host=%s,%s port=%d,%d user=%s password=%s dbname=%s sslmode=disable",
		first.Host, second.Host, first.Port, second.Port, second.User, second.Password, "postgres")
}

// A message that comes in one piece with the end of the login is not lost.
func TestMessageBehindTheLogin(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			served <- err
			return
		}
		defer func() { _ = c.Close() }()
		b := pgproto3.NewBackend(c, c)
		if _, err := b.ReceiveStartupMessage(); err != nil {
			served <- err
			return
		}
		b.Send(&pgproto3.AuthenticationOk{})
		b.Send(&pgproto3.BackendKeyData{ProcessID: 7, SecretKey: []byte("1234")})
		b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
		b.Send(&pgproto3.ParameterStatus{Name: "late", Value: "yes"})
		for err = b.Flush(); err == nil; err = b.Flush() {
			var m pgproto3.FrontendMessage
			if m, err = b.Receive(); err != nil {
				break
			}
			if _, ok := m.(*pgproto3.Query); ok {
				b.Send(&pgproto3.EmptyQueryResponse{})
				b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			}
		}
		served <- nil
	}()
	c, err := DialPostgres(t.Context(), DialOptions{DSN: "postgres://u@" + l.Addr().String() + "/d?sslmode=disable"})
	if err != nil {
		t.Fatal(err)
	}
	if c.PID != 7 || c.Parameters["late"] != "yes" {
		t.Errorf("pid %d, parameters %v", c.PID, c.Parameters)
	}
	if err := errors.Join(c.Close(), l.Close(), <-served); err != nil {
		t.Error(err)
	}
}

func TestSecondHost(t *testing.T) {
	dsn := bothHosts(t, "postgres://127.0.0.1:1/", cluster.NewDatabase(t, 0))
	queryOne(t, dial(t, DialOptions{DSN: dsn}), "SELECT 1")
}

func TestUnixSocket(t *testing.T) {
	c := dial(t, DialOptions{DSN: cluster.AdminDSN(t, 0, cluster.NewDatabase(t, 0))})
	dir, _, _ := strings.Cut(queryOne(t, c, "SHOW unix_socket_directories"), ",")
	if dir == "" {
		t.Fatal("the server has no unix socket")
	}
	port := queryOne(t, c, "SHOW port")
	u, err := url.Parse(cluster.NewDatabase(t, 0))
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
	dsn, proxy := proxied(t, withParams(t, cluster.NewDatabase(t, 0), map[string]string{"sslmode": "disable"}))
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
	dsn, proxy := proxied(t, withParams(t, cluster.NewDatabase(t, 0), map[string]string{"sslmode": "disable"}))
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
	p := pgPool(t, cluster.NewDatabase(t, 0), PoolOptions{Max: 2})
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

func TestBurstOnRealServer(t *testing.T) {
	p := pgPool(t, cluster.NewDatabase(t, 0), PoolOptions{Max: 16})
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			c, err := p.Acquire(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := Exec(t.Context(), c, "SELECT pg_sleep(0.01)"); err != nil {
				t.Error(err)
			}
			p.Release(c)
		})
	}
	group.Wait()
	if s := p.Stats(); s.Acquired != 64 || s.Dials > 16 || s.DialErrors != 0 {
		t.Errorf("%+v", s)
	}
}

// A server without room for more serves all clients with the connections it
// has given.
func TestServerIsFull(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	admin(t, cluster.AdminDSN(t, 0, dsn), fmt.Sprintf("ALTER DATABASE %q CONNECTION LIMIT 2", u.Path[1:]))
	p := pgPool(t, dsn, PoolOptions{Max: 8})
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			c, err := p.Acquire(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			time.Sleep(5 * time.Millisecond)
			p.Release(c)
		})
	}
	group.Wait()

	// A pool that gets none at all says so.
	held := []*Conn{acquire(t, p), acquire(t, p)}
	other := pgPool(t, dsn, PoolOptions{})
	_, err = other.Acquire(t.Context())
	if e, ok := errors.AsType[*sqlerr.Error](err); !ok || sqlstate(err) != "53300" || e.SQLState != "08001" {
		t.Errorf("error %v", err)
	}
	p.Release(held[0])
	p.Release(held[1])
}
