package catalog_test

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"shardproxy/internal/pgserver"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/catalog"
)

// Everything that is wrong with the nodes is said at once.
func preflightListsEverything(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{})
	dsn, err := url.Parse(f.dsns[0])
	if err != nil {
		t.Fatal(err)
	}
	change := func(f func(*url.URL)) string {
		u := *dsn
		f(&u)
		return u.String()
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	f.create("ascii", `ENCODING SQL_ASCII LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0 OWNER `+owner(dsn))
	f.create("reads", `OWNER `+owner(dsn))
	f.exec(0, `ALTER DATABASE reads SET default_transaction_read_only = on`, asSuperuser)

	named := map[string]string{
		"good":     f.dsns[0],
		"twin":     f.dsns[0],
		"down":     change(func(u *url.URL) { u.Host = closed.Addr().String() }),
		"password": change(func(u *url.URL) { u.User = url.UserPassword(u.User.Username(), "hunter2") }),
		"nobody":   change(func(u *url.URL) { u.Path = "/does_not_exist" }),
		"ascii":    change(func(u *url.URL) { u.Path = "/ascii" }),
		"reads":    change(func(u *url.URL) { u.Path = "/reads" }),
		"garbled":  "postgres://app:hunter2@[::1:5432/%zz",
	}
	var nodes []topology.Node
	for _, name := range []string{"good", "twin", "down", "password", "nobody", "ascii", "reads", "garbled"} {
		nodes = append(nodes, topology.Node{ID: topology.NodeID(name), Slot: topology.Slot(len(nodes)), Weight: 1, DSN: named[name]})
	}
	many, err := catalog.NewNodes(catalog.Options{Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	conns, err := catalog.Preflight(t.Context(), many)
	if err == nil {
		conns.Close()
		t.Fatal("no error")
	}
	for _, part := range []string{
		`nodes "good" and "twin" are the same database of one server`,
		`node "down": connect: `, `Check that the server runs`,
		`node "password": connect: `, `Check user and password`,
		`node "nobody": connect: `, `Create the database`,
		`node "ascii": its database has the encoding SQL_ASCII`,
		`node "reads": its transactions are read-only`,
		`node "garbled": connect: its dsn cannot be read`,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("lacks %q", part)
		}
	}
	if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), `node "good":`) {
		t.Error("a password is shown, or a good node is blamed")
	}
	if t.Failed() {
		t.Log(err)
	}
}

func owner(dsn *url.URL) string { return `"` + dsn.User.Username() + `"` }

// create makes a database that is gone after the test.
func (f *fleet) create(name, how string) {
	f.exec(0, `CREATE DATABASE `+name+` `+how, asSuperuser)
	admin := cluster.AdminDSN(f.t, 0, f.dsns[0])
	f.t.Cleanup(func() {
		if err := pgserver.Exec(context.Background(), admin, `DROP DATABASE `+name+` WITH (FORCE)`); err != nil {
			f.t.Error(err)
		}
	})
}

func preflightPooler(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{})
	options := catalog.Options{Nodes: f.db.Nodes, Dial: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		return &pooled{Conn: conn}, err
	}}
	nodes, err := catalog.NewNodes(options)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := catalog.Preflight(t.Context(), nodes); err == nil || !strings.Contains(err.Error(), `node "pg-1": a connection pooler answers in its place`) {
		t.Errorf("got %v", err)
	}
}

// pooled changes the cancel key, as a pooler does.
type pooled struct {
	net.Conn
	rest []byte // of the message at hand
}

func (p *pooled) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		header := make([]byte, 5)
		if _, err := io.ReadFull(p.Conn, header); err != nil {
			return 0, err
		}
		body := make([]byte, binary.BigEndian.Uint32(header[1:])-4)
		if _, err := io.ReadFull(p.Conn, body); err != nil {
			return 0, err
		}
		if header[0] == 'K' {
			body[3]++
		}
		p.rest = slices.Concat(header, body)
	}
	n := copy(b, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

func nodeError(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{})
	f.db.Nodes[0].AdminDSN = "postgres://app:hunter2@127.0.0.1:1/app?sslmode=disable"
	_, err := f.open().Connect(t.Context(), 0)
	node, ok := errors.AsType[*catalog.NodeError](err)
	if !ok || node.Node != "pg-1" || node.Op != "connect" {
		t.Fatalf("got %v", err)
	}
	if got := sqlerr.From(err); got.SQLState != "08001" || !strings.Contains(got.Message, "pg-1") {
		t.Errorf("a client sees %v", got)
	}
	f.db.Nodes[0].AdminDSN = ""
	f.db.Nodes[0].DSN = strings.Replace(f.dsns[0], "/t_", "/no_", 1)
	_, err = f.open().Connect(t.Context(), 0)
	if got := sqlerr.From(err); got.SQLState != "08004" {
		t.Errorf("a client sees %v", got)
	}
}

func TestConnectTimeout(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	nodes, err := catalog.NewNodes(catalog.Options{
		Nodes:          []topology.Node{{ID: "silent", Weight: 1, DSN: "postgres://a:b@" + silent.Addr().String() + "/c?sslmode=disable"}},
		ConnectTimeout: 100 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := nodes.Open(t.Context()); err == nil || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("got %v", err)
	}
}

func TestNewNodes(t *testing.T) {
	one := []topology.Node{{ID: "a"}}
	for name, opts := range map[string]catalog.Options{
		"none":            {},
		"too many":        {Nodes: make([]topology.Node, 257)},
		"connect timeout": {Nodes: one, ConnectTimeout: -1},
		"lock timeout":    {Nodes: one, LockTimeout: -1},
	} {
		if _, err := catalog.NewNodes(opts); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// The connection's settings, which the texts of the catalog depend on, are ours
// whatever the role's are.
func connectSettings(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{})
	f.exec(0, `ALTER DATABASE `+f.ident(0)+` SET search_path = public; ALTER DATABASE `+f.ident(0)+` SET statement_timeout = '1h'`)
	conn, err := f.nodes.Connect(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var path, statement, lock string
	err = conn.QueryRow(t.Context(), `SELECT current_setting('search_path'), current_setting('statement_timeout'), current_setting('lock_timeout')`).
		Scan(&path, &statement, &lock)
	if err != nil || path != "pg_catalog" || statement != "0" || lock != "5s" {
		t.Errorf("got %q, %q, %q, %v", path, statement, lock, err)
	}
}

func TestNodes(t *testing.T) {
	inTurn(t, []string{cluster.NewDatabase(t, 0)}, map[string]func(*testing.T, []string){
		"preflight lists everything": preflightListsEverything,
		"preflight pooler":           preflightPooler,
		"node error":                 nodeError,
		"connect settings":           connectSettings,
	})
}
