// Package backend owns the connections to the nodes: it dials and authenticates
// them, keeps them in pools, checks that they are alive, and cancels what runs
// on them.
package backend

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/meta/topology"
)

var errNotYet = errors.New("backend: not filled in yet")

// Conn is one authenticated connection to a node. Whoever acquired it owns it
// until Release or Discard; only Canceler values may be used by others.
type Conn struct {
	net        net.Conn
	Node       topology.NodeID
	PID        uint32            // of the server process
	Secret     []byte            // cancel key
	Parameters map[string]string // ParameterStatus at login, never changed
	// Attachment is the holder's state of the connection (prepared
	// statements, applied settings). It survives Release.
	Attachment any
	CreatedAt  time.Time
	// Generation counts the logins' definitions (DSN, user) of a pool's key:
	// connections of one generation were made with the same one.
	Generation uint64
}

// Read reads what Unread gave back first.
func (c *Conn) Read(b []byte) (int, error)                 { return c.net.Read(b) }
func (c *Conn) Write(b []byte) (int, error)                { return c.net.Write(b) }
func (c *Conn) WriteBuffers(b *net.Buffers) (int64, error) { return b.WriteTo(c.net) }
func (c *Conn) SetDeadline(t time.Time) error              { return c.net.SetDeadline(t) }
func (c *Conn) SetReadDeadline(t time.Time) error          { return c.net.SetReadDeadline(t) }
func (c *Conn) SetWriteDeadline(t time.Time) error         { return c.net.SetWriteDeadline(t) }
func (c *Conn) LocalAddr() net.Addr                        { return c.net.LocalAddr() }
func (c *Conn) RemoteAddr() net.Addr                       { return c.net.RemoteAddr() }

// Close closes the socket; the pool still has to be told by Discard.
func (c *Conn) Close() error { return c.net.Close() }

// Unread gives back bytes read behind the last ReadyForQuery: the next Read
// returns them. It copies b.
func (c *Conn) Unread(b []byte) {}

// MarkBroken makes Release close the connection.
func (c *Conn) MarkBroken() {}

// Cancel is c.Canceler().Cancel(ctx), for the holder.
func (c *Conn) Cancel(ctx context.Context) error { return errNotYet }

// Canceler names the holder's present ownership of c.
func (c *Conn) Canceler() Canceler { return Canceler{c, 0} }

// Canceler cancels the statement that runs on a connection for one holder. It
// may be used from any goroutine at any time; after the holder's Release it
// does nothing. The zero value does nothing.
type Canceler struct {
	conn  *Conn
	lease uint64
}

// Cancel sends a CancelRequest and waits until the server closed it.
func (k Canceler) Cancel(ctx context.Context) error { return errNotYet }

// ConnOptions describe a connection to NewConn.
type ConnOptions struct {
	Node       topology.NodeID
	PID        uint32
	Secret     []byte
	Parameters map[string]string
	CreatedAt  time.Time
	// SendCancel asks the server to cancel and returns once the request has
	// taken effect or never will. certain=false: it may still arrive later.
	SendCancel func(ctx context.Context) (certain bool, err error)
}

// NewConn takes over an authenticated, idle connection (used by dialers).
func NewConn(nc net.Conn, o ConnOptions) (*Conn, error) { return nil, errNotYet }

// Clock is the time a pool lives by.
type Clock interface {
	Now() time.Time
	NewTimer(d time.Duration) (c <-chan time.Time, stop func() bool)
}

// CloseReason says why a pool closed a connection.
type CloseReason uint8

// Metrics is told what happens in a pool. Methods must not block.
type Metrics interface {
	QueueWaited(d time.Duration)
	Dialed(d time.Duration, err error)
	Closed(reason CloseReason)
}

// PoolOptions configure a Pool.
type PoolOptions struct {
	Node         topology.NodeID
	Dial         func(ctx context.Context) (*Conn, error)
	Min, Max     int
	QueueTimeout time.Duration
	Lifetime     time.Duration
	IdleTimeout  time.Duration
	DialTimeout  time.Duration
	Clock        Clock
	Logger       *slog.Logger
	Metrics      Metrics
}

// Pool keeps the connections of one (database, user, node).
type Pool struct{}

// NewPool makes a pool; it dials nothing before it is used or maintained.
func NewPool(o PoolOptions) (*Pool, error) { return nil, errNotYet }

// Acquire returns an idle connection, or waits for a new or released one.
func (p *Pool) Acquire(ctx context.Context) (*Conn, error) { return nil, errNotYet }

// Release gives back a connection that is clean and idle.
func (p *Pool) Release(c *Conn) {}

// Discard closes a connection that may not be used again.
func (p *Pool) Discard(c *Conn) {}

// Maintain keeps Min connections and closes idle ones; Pools calls it.
func (p *Pool) Maintain() {}

// Close ends the pool.
func (p *Pool) Close(ctx context.Context) error { return errNotYet }

// Stats of the pool now.
func (p *Pool) Stats() Stats { return Stats{} }

// Stats of a pool.
type Stats struct {
	Min, Max                                 int
	Idle, Held, Dialing, Cancelling, Waiting int
	Acquired, Dials, DialErrors, Timeouts    uint64
}

// PoolKey names a pool. User is "" for the proxy's own use.
type PoolKey struct {
	Database string
	User     string
	Node     topology.NodeID
}

// PoolStats are the Stats of one pool of Pools.
type PoolStats struct {
	Key PoolKey
	Stats
}

// PoolsOptions configure Pools.
type PoolsOptions struct {
	// Dial defaults to DialPostgres.
	Dial      func(ctx context.Context, o DialOptions) (*Conn, error)
	OnConnect func(ctx context.Context, pg *pgconn.PgConn) error
	Clock     Clock
	Logger    *slog.Logger
	Metrics   func(PoolKey) Metrics
	// Interval between maintenance runs, default 1s.
	Interval time.Duration
	// ApplicationName of new connections, default "shardproxy".
	ApplicationName string
}

// Pools are all pools of a process.
type Pools struct{}

// NewPools starts the maintenance goroutine.
func NewPools(o PoolsOptions) (*Pools, error) { return nil, errNotYet }

// Get returns the pool, made on first use; never nil. user may be nil.
func (s *Pools) Get(db *topology.Database, user *topology.User, node topology.NodeIndex) *Pool {
	return nil
}

// Apply closes pools whose node, user or login changed and resizes the others.
func (s *Pools) Apply(t *topology.Topology) {}

// Stats of all pools, sorted by key.
func (s *Pools) Stats() []PoolStats { return nil }

// Close ends all pools and waits for their goroutines.
func (s *Pools) Close(ctx context.Context) error { return errNotYet }

// DialOptions say how to log in to a node.
type DialOptions struct {
	Node topology.NodeID
	// DSN of the node; holds a password.
	DSN string
	// User, Password, Database override what the DSN says unless empty.
	User, Password, Database string
	// ApplicationName, default "shardproxy".
	ApplicationName string
	// OnConnect runs after login, before the connection is taken over.
	OnConnect func(ctx context.Context, pg *pgconn.PgConn) error
	// AllowStandby accepts a server in recovery.
	AllowStandby bool
}

// DialPostgres logs in to a PostgreSQL server.
func DialPostgres(ctx context.Context, o DialOptions) (*Conn, error) { return nil, errNotYet }

// ErrBroken is wrapped by errors after which a connection must be discarded
// (Release does so by itself).
var ErrBroken = errors.New("backend: connection broken")

// Column of a Result.
type Column struct {
	Name     string
	TypeOID  uint32
	TypeSize int16
	TypeMod  int32
	Format   int16
}

// Result of Exec. Values are nil for NULL.
type Result struct {
	Columns  []Column
	Rows     [][][]byte
	Tag      string // CommandComplete
	TxStatus byte   // of ReadyForQuery
	// Parameters that the server reported while the query ran.
	Parameters map[string]string
}

// Exec runs one simple query on an acquired connection and reads until
// ReadyForQuery. A *pgconn.PgError leaves the connection clean (unless fatal);
// errors that wrap ErrBroken do not.
func Exec(ctx context.Context, c *Conn, sql string) (*Result, error) { return nil, errNotYet }
