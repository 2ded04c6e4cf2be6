package backend

import (
	"context"
	"errors"
	"fmt"
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
	dsn := anyDatabase(t)
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
	good, err := url.Parse(anyDatabase(t))
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
		{name: "malformed URL", o: DialOptions{DSN: "postgres://u:s3cret@[::1/d"}, want: "malformed"},
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
		DSN: anyDatabase(t),
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
	dsn := bothHosts(t, "postgres://127.0.0.1:1/", anyDatabase(t))
	queryOne(t, dial(t, DialOptions{DSN: dsn}), "SELECT 1")
}

func TestBurstOnRealServer(t *testing.T) {
	p := pgPool(t, anyDatabase(t), PoolOptions{Max: 16})
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
