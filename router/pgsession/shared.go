package pgsession

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/backend"
	"shardproxy/router/gate"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
)

// Observer is told what sessions do, for metrics. Methods must be cheap and safe
// for concurrent use.
type Observer interface {
	// Answered is called for each statement that was planned, once the request
	// it is part of has been answered. node is set for class Single. took is the
	// time from the complete request to its last reply.
	Answered(db *topology.Database, class plan.Class, node topology.NodeIndex, took time.Duration)
	// Refused is called for each error of the proxy's own.
	Refused(database string, err *sqlerr.Error)
	// ServerError is called for each error of a node.
	ServerError(database, sqlstate string)
}

// Options are what the sessions of a proxy share.
type Options struct {
	// Gate gives the topology and counts the sessions' work. Required.
	Gate *gate.Gate
	// Plans returns the template cache of a database. Required.
	Plans func(database string) *plan.Cache
	// Pools are the connections to the nodes. Required.
	Pools *backend.Pools
	// Catalog is told of schema changes. Required.
	Catalog Catalog
	// Observer is told what happens. Required.
	Observer Observer
	// Statements is how many prepared statements a backend connection keeps.
	// Default 500.
	Statements int
	// MaxMessage is the longest message a client may send, in bytes. Default:
	// PostgreSQL's own limit of 1 GiB.
	MaxMessage int
	// MaxBatch is how many bytes a client may send before a Sync. Default
	// MaxMessage.
	MaxBatch int
}

// Shared is the state that the sessions of a proxy share: what servers told the
// proxy about logins, settings and types.
type Shared struct {
	Options
	limits  *pgwire.Limits
	buffers *pgwire.Buffers

	mu     sync.Mutex
	logins map[loginKey]*login
}

type loginKey struct{ user, database string }

// login is what the sessions of one user and database have in common.
type login struct {
	config config
	// parameters are what a server reported at login.
	parameters map[string]string

	preparing chan struct{} // holds a token while nobody prepares
	ready     bool          // whoever holds the token
}

// NewShared validates the options.
func NewShared(o Options) (*Shared, error) {
	if o.Gate == nil || o.Plans == nil || o.Pools == nil || o.Catalog == nil || o.Observer == nil {
		return nil, errors.New("pgsession: Gate, Plans, Pools, Catalog and Observer are required")
	}
	if o.Statements == 0 {
		o.Statements = 500
	}
	if o.MaxMessage == 0 {
		o.MaxMessage = pgwire.DefaultMessageLimit
	}
	if o.MaxBatch == 0 {
		o.MaxBatch = o.MaxMessage
	}
	return &Shared{
		Options: o,
		limits:  pgwire.FrontendLimits(o.MaxMessage),
		buffers: pgwire.NewBuffers(),
		logins:  make(map[loginKey]*login),
	}, nil
}

// Client describes a client that has logged in.
type Client struct {
	Conn net.Conn
	// Unread are bytes read from Conn behind the startup.
	Unread   []byte
	User     *topology.User
	Database string
	// Settings are the run-time parameters of the startup packet, in order.
	Settings []Setting
}

// Setting is a run-time parameter of the startup packet.
type Setting struct{ Name, Value string }

// NewSession prepares a session. It reads, from a node, what the client must be
// told of the server: Parameters. The error is for the client, who must not be
// let in.
func (s *Shared) NewSession(ctx context.Context, c Client) (*Session, error) {
	lg := s.login(c)
	if err := lg.prepare(ctx, s); err != nil {
		return nil, err
	}
	m := newMachine(&lg.config, noVars(), lg.parameters)
	if m.db == nil {
		m.slot.Close()
		return nil, sqlerr.UndefinedDatabase(c.Database)
	}
	session := &Session{
		conn: c.Conn, m: m, shared: s, user: c.User,
		reader: pgwire.NewReader(c.Conn, pgwire.ReaderOptions{Limits: s.limits, Buffers: s.buffers, Unread: c.Unread}),
	}
	if err := session.applyStartup(ctx, c.Settings); err != nil {
		session.Close()
		return nil, err
	}
	return session, nil
}

// Parameters are what the client is told at login with ParameterStatus.
func (s *Session) Parameters() map[string]string { return s.m.reported }

func (s *Shared) login(c Client) *login {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := loginKey{c.User.Name, c.Database}
	lg := s.logins[key]
	if lg == nil || lg.config.user != c.User { // new, or changed by a reload
		lg = &login{preparing: make(chan struct{}, 1), config: config{
			database: c.Database, user: c.User,
			gate: s.Gate, plans: s.Plans(c.Database), catalog: s.Catalog,
			settings: newKnownSettings(), types: newKnownTypes(), drawer: newDrawer(),
			links:    linkConfig{buffers: s.buffers, statements: s.Statements},
			observer: s.Observer, spread: rand.Uint32,
			up: func(db *topology.Database, node topology.NodeIndex) bool {
				return !s.Pools.Get(db, c.User, node).Stats().Failing
			},
		}}
		lg.config.forget = func() { s.forgetDrawn(c.Database) }
		lg.preparing <- struct{}{}
		s.logins[key] = lg
	}
	return lg
}

// forgetDrawn forgets the keys that were fetched ahead for all users of a database.
func (s *Shared) forgetDrawn(database string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, lg := range s.logins {
		if key.database == database {
			lg.config.drawer.clear()
		}
	}
}

// prepare asks a node, once, what its sessions of this user look like.
func (lg *login) prepare(ctx context.Context, s *Shared) error {
	db := s.Gate.Current().Databases[lg.config.database]
	if db == nil {
		return sqlerr.UndefinedDatabase(lg.config.database)
	}
	select {
	case <-lg.preparing:
		defer func() { lg.preparing <- struct{}{} }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if lg.ready {
		return nil
	}
	pool := s.Pools.Get(db, lg.config.user, db.Home())
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return err
	}
	if err := lg.ask(ctx, linkOf(conn, pool, &lg.config.links)); err != nil {
		pool.Discard(conn)
		return err
	}
	pool.Release(conn)
	lg.parameters = conn.Parameters
	lg.ready = true
	return nil
}

// ask reads the defaults of the user's sessions. Clients may have used the link
// before.
func (lg *login) ask(ctx context.Context, l *link) error {
	if err := l.apply(ctx, noVars()); err != nil {
		return err
	}
	r, err := l.exec(ctx, []byte("SELECT pg_catalog.current_setting('search_path'), current_user"))
	if err != nil {
		return err
	}
	if len(r.rows) != 1 || len(r.rows[0]) != 2 {
		return sqlerr.NodeProtocol(string(l.id), "a result of another form than its query")
	}
	lg.config.searchPath, lg.config.backendUser = string(r.rows[0][0]), string(r.rows[0][1])
	return nil
}

// applyStartup makes the parameters of the startup packet the session's base.
// Those that no server has judged yet are tried on one.
func (s *Session) applyStartup(ctx context.Context, settings []Setting) error {
	m := s.m
	// What a server would say; otherwise a client saw the name of the proxy's own
	// connections.
	items := []variable{{name: applicationName, value: quoteLiteral("")}}
	for _, given := range settings {
		item, err := s.startupSetting(ctx, strings.ToLower(given.Name), given.Value)
		if err != nil {
			return err
		}
		items = append(items, item)
	}
	m.base = newVars(items)
	m.vars = m.base
	m.reported = maps.Clone(m.reported)
	for _, item := range m.base.items {
		if item.isReported() {
			m.reported[reportedName(item.name)] = item.reported
		}
	}
	m.settingsChanged()
	return nil
}

// startupSetting validates one parameter of the startup packet.
func (s *Session) startupSetting(ctx context.Context, name, text string) (variable, error) {
	m := s.m
	setting := startupValue(name, text)
	if err := m.checkSetting(&setting); err != nil {
		return variable{}, err.Fatal()
	}
	item := variable{name: name, value: settingValue(&setting)}
	if ours(name) {
		return item, nil
	}
	if known, ok := m.known(&setting); ok {
		return known, nil
	}
	judged := settingTask{item: item}
	if err := judged.run(ctx, s); err != nil {
		return variable{}, startupRefusal(name, text, err)
	}
	return judged.item, nil
}

// startupRefusal is what a client is told whose login a server's verdict on a
// setting ends. The server's own error says ERROR, not FATAL.
func startupRefusal(name, text string, err error) error {
	server, ok := errors.AsType[*serverError](err)
	if !ok {
		return err
	}
	switch server.code {
	case "42704":
		return sqlerr.UndefinedParameter(name).Fatal()
	case "42501":
		return sqlerr.InsufficientPrivilege(server.message).Fatal()
	case "55P02":
		return sqlerr.UnchangeableParameter(name, server.message).Fatal()
	}
	return sqlerr.InvalidParameterValue(name, text, server.message).Fatal()
}

// startupValue is a startup parameter as the SET command it amounts to. Lists of
// schemas are given as one string there.
func startupValue(name, text string) querytree.Setting {
	values := []string{text}
	if name == "search_path" {
		values = splitIdentifiers(text)
	}
	return querytree.Setting{Name: name, Values: values}
}
