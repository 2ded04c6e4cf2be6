package integration

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// testCancelElsewhere sends cancel requests to other peers than the session's, as
// a balancer in front of them does.
func testCancelElsewhere(t *testing.T, all peers) {
	do(t, all[0].connect(), "CREATE TABLE slow (user_id int PRIMARY KEY)")
	do(t, all[0].connect(), "INSERT INTO slow VALUES (1)")
	for _, version := range []string{"3.0", "3.2"} {
		for i, p := range all {
			for j, other := range all {
				name := fmt.Sprintf("protocol %s, session at %s, request at %s", version, p.id, other.id)
				conn := p.connect("max_protocol_version=" + version)
				secret := conn.PgConn().SecretKey()
				if version == "3.2" && len(secret) <= 4 {
					t.Errorf("%s: the key has %d bytes", name, len(secret))
				}
				ended := make(chan error, 1)
				ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
				go func() {
					_, err := conn.Exec(ctx, "SELECT pg_sleep(30) FROM slow WHERE user_id = 1")
					ended <- err
				}()
				all.sleeps(t)
				if i != j { // wrong keys change nothing, wherever they arrive
					wrong := bytes.Clone(secret)
					wrong[len(wrong)-1] ^= 1
					sendCancel(t, other.address, conn.PgConn().PID(), wrong)
					sendCancel(t, p.address, conn.PgConn().PID(), wrong)
					sendCancel(t, other.address, conn.PgConn().PID()^1, secret)
					sendCancel(t, other.address, conn.PgConn().PID(), secret[:len(secret)-1])
					sendCancel(t, other.address, conn.PgConn().PID(), append(bytes.Clone(secret), 0))
					select {
					case err := <-ended:
						t.Fatalf("%s: a wrong key ended the statement: %v", name, err)
					default:
					}
				}
				began := time.Now()
				sendCancel(t, other.address, conn.PgConn().PID(), secret)
				err := <-ended
				stop()
				if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "57014" {
					t.Errorf("%s: %v", name, err)
				}
				if took := time.Since(began); took > 5*time.Second {
					t.Errorf("%s: took %s", name, took)
				}
				if got := query(t, conn, "SELECT user_id FROM slow WHERE user_id = 1"); len(got) != 1 {
					t.Errorf("%s: afterwards the session reads %q", name, got)
				}
				closeNow(conn)
			}
		}
	}
}

// sleeps waits until a statement of testCancelElsewhere runs on a node.
func (all peers) sleeps(t testing.TB) {
	t.Helper()
	conns := make([]*pgx.Conn, len(all[0].nodes))
	for i := range conns {
		conns[i] = all[0].node(i)
		defer closeNow(conns[i])
	}
	within(t, 5*time.Second, "the statement runs", func() bool {
		for _, conn := range conns {
			if query(t, conn, "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active' AND datname = current_database()")[0] != "0" {
				return true
			}
		}
		return false
	})
}

// sendCancel sends a CancelRequest and waits until the other side closes.
func sendCancel(t testing.TB, address string, pid uint32, secret []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	request := binary.BigEndian.AppendUint32(nil, uint32(12+len(secret)))
	request = binary.BigEndian.AppendUint32(request, 80877102)
	request = binary.BigEndian.AppendUint32(request, pid)
	if _, err := conn.Write(append(request, secret...)); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(15 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("a cancel request was answered with %d bytes, %v", n, err)
	}
}
