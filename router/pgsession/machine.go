package pgsession

import (
	"errors"
	"maps"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/gate"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// want is what the machine needs before it can go on.
type want uint8

const (
	wantClient  want = iota + 1 // the next message of the client
	wantLink                    // a connection to machine.target
	wantReplies                 // the next message of the backend
	wantTask                    // machine.task to be run
	wantRelease                 // machine.leaving to be given back
	wantUnlock                  // the links that hold advisory locks to be closed
	wantTurn                    // new work of the database to be let through
	wantEnd                     // the session is over
)

// state says what the machine is in the middle of.
type state uint8

const (
	// stateIdle: between requests, or collecting a batch.
	stateIdle state = iota
	// stateAcquire: a request waits for a connection.
	stateAcquire
	// stateConfirm: settings were sent that must succeed before the request.
	stateConfirm
	// stateReplies: the request was sent, its answer is being relayed.
	stateReplies
	// stateCopyIn: the client sends COPY data.
	stateCopyIn
	// stateTask: blocking work on behalf of the request.
	stateTask
	// stateHeld: a request waits until its database is no longer held.
	stateHeld
	// stateSkip: an error in a batch; everything up to Sync is ignored.
	stateSkip
	// stateEnd: nothing more.
	stateEnd
)

// machine is the logic of one client's session: what the client sends and what
// its backend answers go in, bytes to send and wants come out. It does no I/O,
// reads no clock, and is driven by one goroutine.
//
// See DESIGN.md for the states and the order of events.
type machine struct {
	cfg   *config
	state state
	out   []byte // to the client

	slot *gate.Slot         // counts the work in progress
	topo *topology.Topology // of the request in progress
	db   *topology.Database
	env  plan.Env

	tx   txn
	vars *vars // what the client has set, its startup parameters included
	base *vars // the startup parameters alone
	// reported is what startup told the client of the server's parameters.
	reported map[string]string

	link    *link
	leaving *link  // wantRelease
	pinned  string // why the session keeps its link; "" if it does not
	// locked: the session may hold session-level advisory locks, on a link that
	// it keeps. unlocking: they are to be given up.
	locked, unlocking bool
	// unlockedBy is the node that lost the session's advisory locks, if one did.
	unlockedBy topology.NodeID
	target     topology.NodeIndex
	task       task

	script script
	// accepted is the setting that a server has judged for this request.
	accepted variable
	heard    map[string]string // what the client was told of settings in this request, by folded name
	chain    txOptions         // of the block that follows COMMIT AND CHAIN
	// judged is the statement whose options of the transaction a server has
	// accepted.
	judged  *querytree.Statement
	batch   batch
	copying copyIn
	stmts   map[string]*prepared
	portals map[string]*portal

	// planned are the statements of the request in progress.
	planned []*plan.Plan
	scan    sqlscan.Scan
	lastTag []byte // of the last CommandComplete passed on
	// refusal is the error of the last local statement of a batch.
	refusal   *sqlerr.Error
	capturing bool
	// drawn is the last key the proxy drew for this client, for lastval().
	drawn    int64
	hasDrawn bool
	fetched  fetched
	self     *drawnBy
	held     []byte // the Query message that waits in stateHeld; nil for a batch
	replans  bool   // the rest of the script waits in stateHeld, to be planned again
	columns  pgwire.RowDescription
	params   []uint32    // of the statement that is being described
	form     []byte      // of a description, while it is looked at
	ownTypes *knownTypes // while pinned; see types
}

// config is what all sessions of one user and database share.
type config struct {
	database string
	user     *topology.User
	gate     *gate.Gate
	plans    *plan.Cache
	drawer   *drawer
	// forget clears the drawers of the database's other users; may be nil.
	forget   func()
	catalog  Catalog
	settings *knownSettings
	types    *knownTypes
	links    linkConfig
	observer Observer
	spread   func() uint32 // picks a node where any will do
	// up reports whether a node accepts connections, as far as is known.
	up func(db *topology.Database, node topology.NodeIndex) bool
	// searchPath is the servers' default search_path, as SHOW prints it.
	searchPath string
	// backendUser is the role on the nodes: "$user" of a search_path.
	backendUser string
}

// newMachine returns a machine that has a slot at the gate: close gives it up.
func newMachine(cfg *config, base *vars, reported map[string]string) *machine {
	m := &machine{
		cfg: cfg, base: base, vars: base, reported: reported,
		slot: cfg.gate.Slot(cfg.database), tx: newTxn(),
		self:    new(drawnBy),
		stmts:   make(map[string]*prepared),
		portals: make(map[string]*portal),
	}
	m.see(cfg.gate.Current())
	m.settingsChanged()
	return m
}

// see takes the topology that the next request is planned with.
func (m *machine) see(topo *topology.Topology) {
	if m.topo == topo {
		return
	}
	db := topo.Databases[m.cfg.database]
	if db == nil && m.db != nil {
		return // the database was removed: its pools are closed, and say so
	}
	if m.locked && home(db) != home(m.db) {
		m.unlockedBy = home(m.db) // others take the same locks elsewhere now
	}
	m.topo, m.db = topo, db
	if m.link != nil {
		m.link.node = indexOf(m.db, m.link.id)
	}
}

// home is the name of a database's home node, where advisory locks are.
func home(db *topology.Database) topology.NodeID { return db.Nodes[db.Home()].ID }

// noNode is the index of a node that the topology no longer has.
const noNode = topology.NodeIndex(1<<16 - 1)

// indexOf finds a node by its name.
func indexOf(db *topology.Database, id topology.NodeID) topology.NodeIndex {
	for i := range db.Nodes {
		if db.Nodes[i].ID == id {
			return topology.NodeIndex(i)
		}
	}
	return noNode
}

// next says what the machine needs now.
func (m *machine) next() want {
	if m.leaving != nil {
		return wantRelease
	}
	if m.unlocking {
		return wantUnlock
	}
	if m.unlockedBy != "" && m.state == stateIdle {
		m.endUnlocked()
	}
	switch m.state {
	case stateAcquire:
		return wantLink
	case stateConfirm, stateReplies:
		return wantReplies
	case stateTask:
		return wantTask
	case stateHeld:
		return wantTurn
	case stateEnd:
		return wantEnd
	}
	return wantClient
}

// receive takes one message of the client. The frame must stay valid until the
// machine has no batch open (see holding).
func (m *machine) receive(typ byte, frame []byte) {
	if m.state == stateCopyIn {
		m.copyMessage(typ, frame)
		return
	}
	switch typ {
	case pgwire.MsgTerminate:
		m.state = stateEnd
	case pgwire.MsgSync:
		if m.state != stateSkip && pgwire.CheckEmpty(frame, typ) != nil {
			m.batch.add(typ, frame) // fails when the batch is planned
		}
		m.sync()
	case pgwire.MsgCopyData, pgwire.MsgCopyDone, pgwire.MsgCopyFail:
		// Left over from a COPY that failed: ignored, as the server does.
	case pgwire.MsgQuery:
		if m.state == stateSkip {
			return
		}
		m.query(frame)
	case pgwire.MsgFunctionCall:
		m.functionCall()
	case pgwire.MsgFlush:
		switch {
		case m.state == stateSkip:
		case pgwire.CheckEmpty(frame, typ) != nil:
			m.batch.add(typ, frame)
		default:
			m.flush()
		}
	default:
		if m.state != stateSkip {
			m.batch.add(typ, frame)
		}
	}
}

// holding reports whether frames received so far are still in use.
func (m *machine) holding() bool {
	switch m.state {
	case stateIdle, stateSkip, stateCopyIn:
		return len(m.batch.messages) > 0
	}
	return true
}

// idle reports whether the session is between requests, in no transaction.
func (m *machine) idle() bool {
	return m.state == stateIdle && !m.tx.open() && len(m.batch.messages) == 0 && m.link == nil && !m.locked
}

// released is told that the leaving link was given back.
func (m *machine) released() { m.leaving = nil }

// unlocked is told that no link holds advisory locks any more.
func (m *machine) unlocked() { m.unlocking = false }

// settingsChanged brings the planning environment in step with the settings.
func (m *machine) settingsChanged() {
	m.env.NodeHints = m.cfg.user.NodeHints
	m.env.KeyHint = m.text(keySetting)
	m.env.Backslash = m.isOff("standard_conforming_strings")
	m.setSearchPath()
}

// setting returns what is in force for the next statement, or nil.
func (m *machine) setting(name string) *variable {
	if item := m.tx.local.get(name); item != nil {
		return item
	}
	return m.vars.get(name)
}

// inForce are the settings of the next statement, those of SET LOCAL included.
func (m *machine) inForce() *vars { return m.vars.with(m.tx.local.items...) }

// settled is called when the link owes nothing more and its transaction state is
// known: it keeps the link for an open transaction or lets it go.
func (m *machine) settled() {
	l := m.link
	if l == nil {
		return
	}
	m.followTransaction(l.status)
	if l.status == txIdle && m.pinned == "" || l.broken {
		m.detach()
	}
}

// followTransaction takes over the transaction state that the backend reported.
func (m *machine) followTransaction(status byte) {
	switch {
	case status == txIdle && m.tx.bound:
		m.endTransaction(string(m.lastTag) != "ROLLBACK")
	case status == txIdle:
	case m.tx.bound:
		m.tx.status = status
	default:
		// The backend opened a transaction that the proxy did not see coming.
		m.tx.start("BEGIN", m.vars, false)
		m.tx.bound, m.tx.status = true, status
		m.tx.touched.whole = true
	}
}

// endTransaction closes the client's block, which a backend carried or not.
func (m *machine) endTransaction(committed bool) {
	m.closeBlock(committed)
	clear(m.portals)
}

// closeBlock is endTransaction where portals may have been made since.
func (m *machine) closeBlock(committed bool) {
	saved, local := m.tx.saved, m.tx.local
	if m.tx.bound {
		local = noVars() // the server says what is in force again
	}
	if m.tx.bound && m.link != nil && committed {
		m.link.vars = m.vars
	}
	m.tx.end()
	if !committed && saved != nil && !saved.equal(m.vars) {
		m.changeVars(saved)
	}
	for _, item := range local.items {
		m.reportBack(item)
	}
	if m.batch.running {
		m.keepSettings()
	}
	m.settingsChanged()
}

// detach lets the link go: back to its pool, or closed.
func (m *machine) detach() {
	l := m.link
	m.link, m.leaving = nil, l
	m.pinned = ""
	m.batch.open, m.batch.tied, m.batch.ended = false, false, false
	if !m.batch.leaving { // no portal was left there
		maps.DeleteFunc(m.portals, func(_ string, p *portal) bool { return !p.local || !m.tx.open() })
	}
}

// abandon gives up a link whose connection broke; an open transaction is gone.
func (m *machine) abandon() {
	m.link.broken = true
	m.abandonCopy()
	if m.tx.open() {
		m.tx.status, m.tx.bound = txFailed, false
		m.tx.saves = m.tx.saves[:0] // nothing to return to
	}
	m.detach()
}

// lost is told that the connection to the node broke. The request in progress
// has failed, perhaps after it took effect.
func (m *machine) lost(cause error) {
	l := m.link
	half := l.reader.MidFrame() && l.streaming == pass
	m.abandon()
	if half {
		// A row was sent in part: no message can follow it.
		m.state = stateEnd
		return
	}
	var known *sqlerr.Error
	if !errors.As(cause, &known) {
		known = m.lostError(string(l.id)).Wrap(cause)
	}
	m.fail(known)
}

// lostError says what the loss of a node means for the request in progress.
func (m *machine) lostError(node string) *sqlerr.Error {
	if s := &m.script; !m.batch.running && s.at < len(s.steps) && kindOf(&s.steps[s.at].plan) == querytree.Commit {
		return sqlerr.CommitUnknown(node)
	}
	return sqlerr.NodeLost(node)
}

// kindOf is the kind of the statement of a plan.
func kindOf(p *plan.Plan) querytree.StatementKind {
	if p.Statement == nil {
		return querytree.Unsupported
	}
	return p.Statement.Kind
}
