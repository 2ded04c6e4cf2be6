package backend

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/pgserver"
)

// pgPool makes a pool of real connections that is closed when the test ends.
func pgPool(t testing.TB, dsn string, o PoolOptions) *Pool {
	t.Helper()
	o.Node = "pg-1"
	o.Dial = func(ctx context.Context) (*Conn, error) {
		return DialPostgres(ctx, DialOptions{Node: "pg-1", DSN: dsn})
	}
	p, err := NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

// anyDatabase is the DSN of a database for tests that create nothing in it.
func anyDatabase(t testing.TB) string {
	t.Helper()
	return cluster.AdminDSN(t, 0, "postgres://ignored/postgres")
}

// queryOne runs sql and returns the only value it returns.
func queryOne(t testing.TB, c *Conn, sql string) string {
	t.Helper()
	r, err := Exec(t.Context(), c, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	if len(r.Rows) != 1 || len(r.Rows[0]) != 1 {
		t.Fatalf("%s: %d rows", sql, len(r.Rows))
	}
	return string(r.Rows[0][0])
}

// admin runs sql as a superuser on a connection of its own.
func admin(t testing.TB, dsn string, sql ...string) {
	t.Helper()
	if err := pgserver.Exec(t.Context(), dsn, sql...); err != nil {
		t.Fatal(err)
	}
}

// withParams adds parameters to a DSN.
func withParams(t testing.TB, dsn string, params map[string]string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	for k, v := range params {
		q.Set(k, v)
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// eventually waits until ok.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// awaitMessage waits until the server has sent something to an idle connection,
// or closed it.
func awaitMessage(t testing.TB, c *Conn) {
	t.Helper()
	eventually(t, "a message for connection "+strconv.Itoa(int(c.PID)), func() bool {
		c.pool.mu.Lock()
		defer c.pool.mu.Unlock()
		return c.peeker.peek() != peekedQuiet
	})
}

func sqlstate(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// selfSigned is the certificate of a test server.
func selfSigned(t testing.TB) map[string][]byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		DNSNames:     []string{"localhost"},
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"server.crt": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		"server.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}),
	}
}
