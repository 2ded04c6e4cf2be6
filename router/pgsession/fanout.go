package pgsession

import (
	"bytes"
	"context"
	"encoding/binary"
	"sync"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
)

// fanout runs one read on several nodes and makes one result of theirs: rows
// concatenated, or the one row of an ungrouped aggregate merged. All nodes get
// the statement before the first answer is read.
type fanout struct {
	nodes []topology.NodeIndex
	merge *plan.Merge // nil: the rows are concatenated
	// send writes the statement to a link, up to Sync or as a Query.
	send func(l *link) error
	// binary says for each column of a merged row whether the client asked
	// for the binary format.
	binary func(column int) bool
	// quietParse: the Parse was ours, the client must not see its answer.
	quietParse bool
	// quietDescribe: so was the Describe, for the types of the merged row.
	quietDescribe bool
	// tells is the statement whose columns the client asked for, or nil.
	tells *prepared
	// draws: the statement draws from sequences.
	draws bool
	// before is what the proxy answered itself, ahead of the nodes.
	before []byte
	// limit is the most rows that the client asked for; 0: all.
	limit int64

	links []*link
	rows  int64
	row   mergedRow
	// The form of the first node's rows, which all rows must have.
	columns []byte // names and types; nil while unknown
	width   int    // -1 while unknown
}

// run executes the statement and emits everything the client has to see but
// ReadyForQuery.
func (f *fanout) run(ctx context.Context, w worker) error {
	defer f.release(w)
	for _, node := range f.nodes {
		l, err := w.acquire(ctx, node)
		if err != nil {
			return err
		}
		f.links = append(f.links, l)
		if err := w.withSettings(ctx, l); err != nil {
			return err
		}
		if f.draws {
			l.drew = w.session().self
		}
	}
	f.width = -1
	for _, l := range f.links {
		if err := f.start(ctx, l); err != nil {
			return err
		}
	}
	if err := w.emit(f.before); err != nil {
		return err
	}
	for i, l := range f.links {
		if err := f.read(ctx, w, l, i == 0); err != nil {
			return err
		}
	}
	return f.finish(w)
}

// start sends the statement to one node.
func (f *fanout) start(ctx context.Context, l *link) error {
	defer l.interruptible(ctx)()
	if err := f.send(l); err != nil {
		return err
	}
	l.owes = true
	if err := l.write(); err != nil {
		l.broken = true
		return err
	}
	return nil
}

// read relays one node's answer; what only describes it comes from the first.
func (f *fanout) read(ctx context.Context, w worker, l *link, first bool) error {
	m := w.session()
	err := l.exchange(ctx, func(typ byte, frame []byte) error {
		switch typ {
		case pgwire.MsgDataRow:
			if f.merge != nil {
				return f.row.add(f.merge, frame)
			}
			if err := f.sameWidth(frame); err != nil || f.rows == f.limit && f.limit > 0 {
				return err
			}
			f.rows++
			return w.emit(frame)
		case pgwire.MsgCommandComplete, pgwire.MsgPortalSuspended: // ours is in finish
		case pgwire.MsgRowDescription:
			if err := m.mapColumns(l.node, frame); err != nil {
				return err
			}
			if err := f.sameColumns(m.columns.Columns); err != nil || !first {
				return err
			}
			m.tell(f.tells, frame)
			return f.describe(w, frame)
		case pgwire.MsgParameterDescription:
			if _, err := m.mapParameters(l.node, frame); err != nil || !first {
				return err
			}
			return w.emit(frame)
		case pgwire.MsgNoticeResponse:
			return w.emit(frame)
		case pgwire.MsgParameterStatus:
		case pgwire.MsgParseComplete:
			if first && !f.quietParse {
				return w.emit(frame)
			}
		case pgwire.MsgCopyInResponse, pgwire.MsgCopyOutResponse:
			return sqlerr.NodeProtocol(string(l.id), "COPY in a statement for several nodes")
		default:
			if first {
				return w.emit(frame)
			}
		}
		return nil
	})
	l.owes = false
	return err
}

// sameColumns compares the columns of a node with those of the first.
func (f *fanout) sameColumns(columns []pgwire.Column) error {
	var form []byte
	for _, c := range columns {
		form = binary.BigEndian.AppendUint32(append(append(form, c.Name...), 0), c.Type)
	}
	if f.columns == nil {
		f.columns = form
	}
	if !bytes.Equal(form, f.columns) {
		return errColumnsDiffer()
	}
	return nil
}

// sameWidth compares the number of values of a row with that of the first.
func (f *fanout) sameWidth(frame []byte) error {
	width := -1
	if len(frame) >= pgwire.HeaderSize+2 {
		width = int(binary.BigEndian.Uint16(frame[pgwire.HeaderSize:]))
	}
	if f.width < 0 {
		f.width = width
	}
	if width != f.width {
		return errColumnsDiffer()
	}
	return nil
}

func errColumnsDiffer() error {
	return sqlerr.NotSupported("a result whose columns differ between the nodes is not supported").
		WithDetail("A statement that changed a table may have run on some of the nodes only.").
		WithHint("Name the columns, and bring the tables of all nodes in line.")
}

// describe forwards the RowDescription of the first node.
func (f *fanout) describe(w worker, frame []byte) error {
	if f.merge == nil {
		return w.emit(frame)
	}
	if err := f.row.describe(frame, f.binary); err != nil || f.quietDescribe {
		return err
	}
	return w.emit(frame)
}

// finish emits the merged row and the end of the result.
func (f *fanout) finish(w worker) error {
	if f.merge != nil {
		row, err := f.row.encode()
		if err != nil {
			return err
		}
		if err := w.emit(row); err != nil {
			return err
		}
		f.rows = 1
	}
	if f.limit > 0 && f.rows == f.limit { // also where there are no more, as the server
		return w.emit(pgwire.AppendPortalSuspended(nil))
	}
	return w.emit(pgwire.AppendCommandComplete(nil, "SELECT "+itoa(f.rows)))
}

// release gives all links back. Statements that still run are canceled, and
// their links closed.
func (f *fanout) release(w worker) {
	var group sync.WaitGroup
	for _, l := range f.links {
		if l.owes {
			l.broken = true
			group.Go(l.cancel)
		}
	}
	group.Wait()
	for _, l := range f.links {
		l.owes = false
		w.release(l)
	}
}

// startScatter runs a statement of the simple protocol on several nodes.
func (m *machine) startScatter(st *step) bool {
	if err := m.allowScatter(&st.plan); err != nil {
		m.refuse(err)
		return false
	}
	text := st.text
	m.noticePlan(&st.plan, st.text, nil)
	m.asideDone(&st.plan)
	m.runTask(&scatterTask{fanout{
		draws: drawsOnly(&st.plan),
		nodes: nodesOf(&st.plan), merge: oneRow(st.plan.Merge),
		send: func(l *link) error {
			l.query(text)
			return nil
		},
		binary: func(int) bool { return false },
	}})
	return true
}

// allowScatter says whether a read over several nodes is exact in the
// transaction that is open.
func (m *machine) allowScatter(p *plan.Plan) *sqlerr.Error {
	switch {
	case m.aside(p) && p.Flags&plan.FlagSetConfig != 0: // of a connection that is not the session's
		return configRefused("beside a transaction on another node")
	case m.aside(p):
		return nil
	case m.tied():
		return sqlerr.NotSupported("a statement for several nodes is not supported in a transaction on one node").
			WithDetail("The transaction is on node " + string(m.link.id) + ".").
			WithHint("Run it before the transaction, or add the shard key to its conditions.")
	case m.tx.open() && m.tx.snapshot:
		return sqlerr.NotSupported("a statement for several nodes is not supported in a transaction with one snapshot").
			WithHint("Use READ COMMITTED, or add the shard key to its conditions.")
	}
	return nil
}

// oneRow returns m where the results become one row, nil where they are
// concatenated.
func oneRow(m *plan.Merge) *plan.Merge {
	if m == nil || m.Columns == nil {
		return nil
	}
	return m
}

func nodesOf(p *plan.Plan) []topology.NodeIndex {
	if p.Class == plan.Single {
		return []topology.NodeIndex{p.Node}
	}
	var nodes []topology.NodeIndex
	for node := range p.Nodes.All() {
		nodes = append(nodes, node)
	}
	return nodes
}

// scatterTask is a fanout for one step of a script.
type scatterTask struct{ fanout }

func (t *scatterTask) done(m *machine, err error) {
	if err != nil {
		m.emitError(err)
		m.script.failed = true
	}
	m.script.at++
	m.advance()
}
