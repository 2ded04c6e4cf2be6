package backend

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/meta/topology"
)

// PoolKey names a pool of Pools.
type PoolKey struct {
	Database string
	User     string // the proxy's user; "" for the proxy's own statements
	Node     topology.NodeID
}

func (k PoolKey) compare(o PoolKey) int {
	return cmp.Or(strings.Compare(k.Database, o.Database),
		strings.Compare(string(k.Node), string(o.Node)), strings.Compare(k.User, o.User))
}

// PoolsOptions configure Pools.
type PoolsOptions struct {
	// Dial logs in to a node. Default DialPostgres.
	Dial func(ctx context.Context, o DialOptions) (*Conn, error)
	// Identity says who the proxy is towards the nodes; it is called for each
	// login, after it, and must not block. Nil: connections do not register on
	// the nodes, and no node can cut them off.
	Identity func() Identity
	// OnConnect is passed on to Dial.
	OnConnect func(ctx context.Context, pg *pgconn.PgConn) error
	// ApplicationName is passed on to Dial.
	ApplicationName string
	// DialTimeout bounds one login. Default 5s.
	DialTimeout time.Duration
	// Interval between two rounds of maintenance. Default 1s.
	Interval time.Duration
	Clock    Clock        // default: the time of day
	Logger   *slog.Logger // default: none
	// Metrics returns what a pool reports to. Default: nothing.
	Metrics func(PoolKey) Metrics
}

// Pools are all pools of a process, one per database, user and node, made when
// they are first asked for. All methods may be called by any goroutine.
type Pools struct {
	o     PoolsOptions
	byKey atomic.Pointer[map[PoolKey]*entry] // replaced under mu
	stop  chan struct{}
	group sync.WaitGroup // the maintenance

	mu struct {
		sync.Mutex
		applied    *topology.Topology // nil before the first Apply
		generation uint64
		retired    []*Pool // closed, some of their connections still held
		closed     bool
	}
}

// entry is a pool and what it was made from.
type entry struct {
	pool  *Pool
	login login
	limit topology.Pool
}

// login is what a pool logs in with; a change makes a new pool.
type login struct{ dsn, user, password string }

// NewPools starts the maintenance of the pools to come. The caller must Close
// it.
func NewPools(o PoolsOptions) (*Pools, error) {
	if o.Dial == nil {
		o.Dial = DialPostgres
	}
	if o.Interval < 0 || o.DialTimeout < 0 {
		return nil, fmt.Errorf("backend: interval %s and dial timeout %s must not be negative", o.Interval, o.DialTimeout)
	}
	o.Interval = cmp.Or(o.Interval, time.Second)
	if o.Clock == nil {
		o.Clock = wallClock{}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = func(PoolKey) Metrics { return noMetrics{} }
	}
	s := &Pools{o: o, stop: make(chan struct{})}
	s.byKey.Store(new(map[PoolKey]*entry))
	s.group.Go(s.maintain)
	return s, nil
}

// Get returns the pool for a node of db, never nil. user may be nil: then the
// node's DSN says who logs in. The pool follows the topology that was applied
// last, even if db is older: where the node, the database or the user is gone
// there, the pool is closed and Acquire says so.
func (s *Pools) Get(db *topology.Database, user *topology.User, node topology.NodeIndex) *Pool {
	key := PoolKey{Database: db.Name, Node: db.Nodes[node].ID}
	if user != nil {
		key.User = user.Name
	}
	if e := (*s.byKey.Load())[key]; e != nil {
		return e.pool
	}
	return s.create(key, db, user)
}

// create is Get for a pool that does not exist yet.
func (s *Pools) create(key PoolKey, db *topology.Database, user *topology.User) *Pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := *s.byKey.Load()
	if e := old[key]; e != nil {
		return e.pool
	}
	if s.mu.applied != nil {
		db, user = s.mu.applied.Databases[key.Database], s.mu.applied.Users[key.User]
	}
	l, limits, ok := resolve(key, db, user)
	if !ok || s.mu.closed {
		return s.closedPool(key)
	}
	p, err := s.newPool(key, l, limits)
	if err != nil {
		s.o.Logger.Error("pool refused", "database", key.Database, "node", key.Node, "user", key.User, "error", err)
		return s.closedPool(key)
	}
	pools := maps.Clone(old)
	if pools == nil {
		pools = make(map[PoolKey]*entry)
	}
	pools[key] = &entry{pool: p, login: l, limit: limits}
	s.byKey.Store(&pools)
	p.Maintain()
	return p
}

var errNoPool = errors.New("backend: closed")

// newPool makes the pool of a key.
func (s *Pools) newPool(key PoolKey, l login, limits topology.Pool) (*Pool, error) {
	s.mu.generation++
	n := limitsOf(limits)
	return NewPool(PoolOptions{
		Node:         key.Node,
		Generation:   s.mu.generation,
		Min:          n.Min,
		Max:          n.Max,
		QueueTimeout: n.QueueTimeout,
		MaxQueue:     n.MaxQueue,
		Lifetime:     n.Lifetime,
		IdleTimeout:  n.IdleTimeout,
		DialTimeout:  s.o.DialTimeout,
		Clock:        s.o.Clock,
		Logger:       s.o.Logger,
		Metrics:      s.o.Metrics(key),
		Dial: func(ctx context.Context) (*Conn, error) {
			return s.o.Dial(ctx, DialOptions{
				Node:            key.Node,
				DSN:             l.dsn,
				User:            l.user,
				Password:        l.password,
				ApplicationName: s.o.ApplicationName,
				Registration:    s.registration(key),
				OnConnect:       s.o.OnConnect,
			})
		},
	})
}

// closedPool is what a key without a place in the topology gets.
func (s *Pools) closedPool(key PoolKey) *Pool {
	p, err := NewPool(PoolOptions{Node: key.Node, Dial: func(context.Context) (*Conn, error) { return nil, errNoPool }})
	if err != nil {
		return nil // cannot be: the options are constant
	}
	p.retire()
	return p
}

// PoolStats are the Stats of one pool.
type PoolStats struct {
	Key PoolKey
	Stats
}

// Stats returns the state of all pools, ordered by database, node and user.
func (s *Pools) Stats() []PoolStats {
	var stats []PoolStats
	for key, e := range *s.byKey.Load() {
		stats = append(stats, PoolStats{Key: key, Stats: e.pool.Stats()})
	}
	slices.SortFunc(stats, func(a, b PoolStats) int { return a.Key.compare(b.Key) })
	return stats
}

// maintain is the one goroutine that looks after all pools.
func (s *Pools) maintain() {
	for {
		tick, stop := s.o.Clock.NewTimer(s.o.Interval)
		select {
		case <-tick:
			for _, e := range *s.byKey.Load() {
				e.pool.Maintain()
			}
			s.forgetDrained()
		case <-s.stop:
			stop()
			return
		}
	}
}

// forgetDrained drops the retired pools of which nothing is left.
func (s *Pools) forgetDrained() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.retired = slices.DeleteFunc(s.mu.retired, (*Pool).isDrained)
}

// Close closes all pools as Pool.Close does, all at once, and waits for the
// maintenance. It may be called several times.
func (s *Pools) Close(ctx context.Context) error {
	s.mu.Lock()
	if !s.mu.closed {
		s.mu.closed = true
		close(s.stop)
	}
	pools := slices.Clone(s.mu.retired)
	for _, e := range *s.byKey.Load() {
		pools = append(pools, e.pool)
	}
	s.mu.Unlock()
	s.group.Wait()
	for _, p := range pools {
		p.retire()
	}
	var errs []error
	for _, p := range pools {
		errs = append(errs, p.Close(ctx))
	}
	return errors.Join(errs...)
}
