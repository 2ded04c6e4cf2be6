package pgsession

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/querytree"
)

// Transaction status as ReadyForQuery says it (PostgreSQL manual 55.7).
const (
	txIdle   = 'I' // not in a transaction block
	txOpen   = 'T' // in a transaction block
	txFailed = 'E' // in a failed transaction block
)

// txn is the client's transaction. It may be open without a backend: BEGIN is
// answered locally and sent with the first statement that binds a node.
//
//	          BEGIN                first keyed statement
//	idle ---------------> open, unbound --------------> open, bound
//	 ^                        |  any error, ours too         |
//	 |  COMMIT, ROLLBACK      v                              v
//	 +------------------ failed, unbound              failed, bound
type txn struct {
	status byte
	// implicit: the block that PostgreSQL forms around a text of several
	// statements; it ends with the text.
	implicit bool
	bound    bool

	txOptions
	replay []string // SET LOCAL, SAVEPOINT and their like: sent after BEGIN
	saves  []savepoint
	serial int // of the newest savepoint, released or not

	// saved are the session settings at BEGIN; a rollback returns to them.
	saved *vars
	// local are the settings of SET LOCAL on top of the session's.
	local *vars
	// overridden are settings of SET LOCAL that a SET replaced: such SETs are
	// replayed as well.
	overridden []string

	touched touched
	// apart: sequences were drawn from beside the block, so that no backend knows
	// what lastval() is.
	apart bool
	// wrote: a statement that may have changed something was sent.
	wrote bool
	// queried: a statement of the client has run, wherever, that a server takes a
	// snapshot for: options of the transaction may come too late.
	queried bool
}

// txOptions are the options of a transaction. They pass to the next one
// with AND CHAIN.
type txOptions struct {
	begin string // BEGIN with its options, and SET TRANSACTION, as sent to the backend
	// snapshot: the isolation level keeps one snapshot for the transaction.
	snapshot bool
}

// savepoint is the state that ROLLBACK TO returns to.
type savepoint struct {
	name   string
	serial int
	replay int // length of txn.replay including this savepoint
	vars   *vars
	local  *vars
}

// touched is what a transaction has read or written: the unit that moves of
// key ranges wait for.
type touched struct {
	whole      bool // all partitions of the node
	partitions []ring.Partition
	epoch      topology.Epoch // epoch of the first plan
}

func (t *touched) add(p ring.Partition) {
	if !t.whole && !slices.Contains(t.partitions, p) {
		t.partitions = append(t.partitions, p)
	}
}

func (t *touched) reset() {
	t.whole = false
	t.partitions = t.partitions[:0]
	t.epoch = 0
}

func newTxn() txn { return txn{status: txIdle, local: noVars()} }

// open reports whether the client is in a transaction block.
func (t *txn) open() bool { return t.status != txIdle }

// start opens a block that no backend knows of yet.
func (t *txn) start(begin string, settings *vars, implicit bool) {
	t.status = txOpen
	t.implicit = implicit
	t.txOptions = txOptions{begin: begin}
	t.saved = settings
	t.replay = t.replay[:0]
	t.saves = t.saves[:0]
	t.overridden = nil
	t.touched.reset()
	t.wrote, t.apart, t.queried, t.serial = false, false, false, 0
}

// chain opens a block with the options of the one before.
func (t *txn) chain(o txOptions, settings *vars) {
	t.start(o.begin, settings, false)
	t.txOptions = o
}

// describe notes SET TRANSACTION. Behind a savepoint it may be taken back.
func (t *txn) describe(options *querytree.Transaction, text string) {
	t.snapshot = t.snapshot || keepsSnapshot(options.Isolation)
	switch {
	case len(t.saves) == 0:
		t.begin += "\n;" + text
	case !t.bound:
		t.replay = append(t.replay, text)
	}
}

// end forgets the block.
func (t *txn) end() {
	replay, saves, seen := t.replay[:0], t.saves[:0], t.touched
	seen.reset()
	*t = txn{status: txIdle, local: noVars(), replay: replay, saves: saves, touched: seen}
}

// save notes SAVEPOINT name.
func (t *txn) save(name, text string, settings *vars) {
	if !t.bound {
		t.replay = append(t.replay, text)
	}
	t.serial++
	t.saves = append(t.saves, savepoint{name, t.serial, len(t.replay), settings, t.local})
}

// find returns the index of the newest savepoint of that name, or -1.
func (t *txn) find(name string) int {
	for i := len(t.saves) - 1; i >= 0; i-- {
		if t.saves[i].name == name {
			return i
		}
	}
	return -1
}

// release notes RELEASE SAVEPOINT of the i-th savepoint.
func (t *txn) release(i int, text string) {
	t.saves = t.saves[:i]
	if !t.bound {
		t.replay = append(t.replay, text)
	}
}

// rollbackTo returns to the i-th savepoint, which stays, and returns the
// session settings of that moment.
func (t *txn) rollbackTo(i int) *vars {
	s := t.saves[i]
	t.saves = t.saves[:i+1]
	if !t.bound {
		t.replay = t.replay[:s.replay]
	}
	t.local = s.local
	return s.vars
}

// appendPrelude appends what opens the transaction on a backend. A text of the
// client may end in a comment, which only the end of its line ends.
func (t *txn) appendPrelude(dst []byte) []byte {
	dst = append(dst, t.begin...)
	dst = append(dst, "\n;"...)
	for _, text := range t.replay {
		dst = append(dst, text...)
		dst = append(dst, "\n;"...)
	}
	return dst
}
