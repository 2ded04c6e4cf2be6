package pgsession

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/router/backend"
)

// link is a backend connection as the sessions see it: what is prepared and set
// on it, what it owes, and what is to be sent. It outlives a session's use of
// the connection (backend.Conn.Attachment) and belongs to whoever holds that.
type link struct {
	conn   *backend.Conn
	pool   *backend.Pool
	node   topology.NodeIndex // valid for the topology it was acquired under
	id     topology.NodeID
	reader *pgwire.ServerReader

	replies replies
	out     []byte // to be written to the node

	vars     *vars // in force on the server, outside a transaction
	prepared *preparedSet
	stale    []string     // names of statements to close
	unnamed  statementKey // what the unnamed statement holds
	schema   topology.Epoch

	status byte // of the last ReadyForQuery
	// streaming is the verdict on a long message that arrives in pieces.
	streaming verdict
	// failure is the first error of a message of ours, until it is dealt with.
	failure *serverError
	// owes: a task has sent something and not read the answer.
	owes bool
	// broken: out of step or lost; must not be used again.
	broken bool
	// drew is the session whose writes may have drawn from sequences here, if
	// any; lastval() of another must not see them.
	drew *drawnBy
	// tainted: carries state that cannot be taken back; closed on release.
	tainted bool
	// custom: a setting of the application's own was made there that vars do not
	// show; closed when its session lets it go.
	custom bool
	// trial: what was sent last runs in a transaction that is rolled back.
	trial bool
	// locks: holds session-level advisory locks; stays with its session.
	locks bool
}

// drawnBy stands for a session, or for the proxy itself. A link must not keep a
// session alive.
type drawnBy struct{ _ byte }

// linkOf returns the link of an acquired connection.
func linkOf(conn *backend.Conn, pool *backend.Pool, cfg *linkConfig) *link {
	if l, ok := conn.Attachment.(*link); ok {
		return l
	}
	l := &link{
		conn: conn, pool: pool, id: conn.Node,
		reader:   pgwire.NewServerReader(conn, pgwire.ReaderOptions{Buffers: cfg.buffers}),
		vars:     noVars(),
		prepared: newPreparedSet(cfg.statements),
		status:   txIdle,
	}
	conn.Attachment = l
	return l
}

// linkConfig is what links of a proxy share.
type linkConfig struct {
	buffers    *pgwire.Buffers
	statements int // prepared statements per connection
}

// refresh forgets what is prepared when the schema has changed since.
func (l *link) refresh(schema topology.Epoch) {
	if l.schema == schema {
		return
	}
	l.schema = schema
	for name := range l.prepared.byName {
		l.closeStatement(name)
	}
	l.prepared.clear()
	l.unnamed = statementKey{}
}

// query sends a simple query. It destroys the server's unnamed statement.
func (l *link) query(sql []byte) {
	l.out = pgwire.AppendQuery(l.out, sql)
	l.unnamed = statementKey{}
}

// quietQuery sends a simple query of ours, whose answer the client does not see.
func (l *link) quietQuery(sql []byte) {
	l.query(sql)
	l.replies.push(reply{kind: replyQuery, quiet: true})
}

// noPortal is a portal that cannot exist: executing it makes the server fail its
// transaction. Servers log the name.
const noPortal = "statement refused by shardproxy"

// abort makes the server fail the transaction that is open on the link.
func (l *link) abort() {
	l.out = pgwire.AppendExecute(l.out, noPortal, 0)
	l.replies.push(reply{kind: replyExecute, quiet: true, mustFail: true})
	l.sync(true, 0)
}

// closeStatement closes a prepared statement of the server.
func (l *link) closeStatement(name string) {
	l.out = pgwire.AppendClose(l.out, pgwire.KindStatement, name)
	l.replies.push(reply{kind: replyClose, quiet: true, prepares: preparation{closes: name}})
}

// sync ends a batch. seq counts the client's messages before it.
func (l *link) sync(quiet bool, seq int32) {
	l.out = pgwire.AppendSync(l.out)
	l.replies.push(reply{kind: replySync, quiet: quiet, seq: seq})
}

// parse prepares a statement on the server. quiet: the client did not ask now.
func (l *link) parse(p *prepared, oids []uint32, quiet bool, seq int32) {
	text := p.key.Value()
	before := l.unnamed
	if p.sent == "" {
		l.unnamed = p.key
	} else {
		for _, name := range l.prepared.add(p.key, p.sent) {
			l.closeStatement(name)
		}
	}
	l.out = pgwire.AppendParse(l.out, p.sent, text.sql, oids)
	l.replies.push(reply{kind: replyParse, quiet: quiet, seq: seq, prepares: preparation{key: p.key, named: p.sent != "", before: before}})
}

// discard forgets a statement that the server cannot run any more. It is closed
// with the next request.
func (l *link) discard(p *prepared) {
	if p.sent == "" {
		l.unnamed = statementKey{}
		return
	}
	if name := l.prepared.remove(p.key); name != "" {
		l.stale = append(l.stale, name)
	}
}

// repair brings what is known of the server's statements in line with an error.
func (l *link) repair(code string, due *reply) {
	switch {
	case due.binds != nil && (code == "0A000" || code == "26000"):
		// "cached plan must not change result type", or it is gone.
		l.discard(due.binds)
	case due.describes != nil && code == "26000":
		l.discard(due.describes)
	case due.prepares.named && code == "42P05":
		l.stale = append(l.stale, serverName(due.prepares.key))
	}
}

// closeStale closes what was discarded.
func (l *link) closeStale() {
	for _, name := range l.stale {
		l.closeStatement(name)
	}
	l.stale = l.stale[:0]
}

// has reports whether the statement is prepared here.
func (l *link) has(p *prepared) bool {
	if p.sent == "" {
		return l.unnamed == p.key
	}
	return l.prepared.touch(p.key)
}

// void takes back what an error made void: statements that were not prepared, or
// not closed.
func (l *link) void(list []preparation) {
	for _, p := range slices.Backward(list) {
		switch {
		case p.closes != "":
			l.stale = append(l.stale, p.closes)
		case p.named:
			l.prepared.remove(p.key)
		case p.tried:
			l.unnamed = statementKey{}
		default:
			l.unnamed = p.before
		}
	}
}
