package pgsession

import (
	"context"
	"errors"
	"slices"
	"strings"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
)

var errColumns = errors.New("nodes returned different numbers of columns")

// Catalog is told when the schema of a database has changed.
type Catalog interface {
	// Changing is called before statements that change the schema are sent. Its
	// error refuses them.
	Changing(ctx context.Context, database string) error
	// Changed reads the nodes' catalogs again and publishes what they say. The
	// warnings are for the client whose statement changed them.
	Changed(ctx context.Context, database string) (warnings []string, err error)
}

// ddlTask runs statements on every node in order, home first. It stops at the
// first error and says which nodes have the change.
type ddlTask struct {
	text   []byte
	plan   plan.Plan
	owners []topology.NodeIndex // the nodes that have rows
	// reply is what the home node answered, but for notices.
	reply    []byte
	warnings []string
}

// startDDL runs a step that is for all nodes.
func (m *machine) startDDL(st *step) bool {
	if err := m.allowDDL(); err != nil {
		m.refuse(err)
		return false
	}
	m.noticePlan(&st.plan, st.text, nil)
	m.runTask(&ddlTask{text: st.text, plan: st.plan})
	return true
}

// allowDDL refuses DDL where it cannot be taken back on all nodes.
func (m *machine) allowDDL() *sqlerr.Error {
	if m.tx.open() && !m.tx.implicit || m.tied() {
		return sqlerr.NotSupported("a statement for all nodes is not supported in a transaction").
			WithDetail("DDL runs on every node in turn, and cannot be part of one transaction.").
			WithHint("Run it outside of a transaction block.")
	}
	return nil
}

// planDDL makes a batch of the extended protocol that holds one DDL statement a
// task.
func (m *machine) planDDL(o *op) *sqlerr.Error {
	if err := m.allowDDL(); err != nil {
		return err
	}
	if err := m.aloneSoFar(o); err != nil {
		return err
	}
	if o.bind.Params() > 0 {
		return sqlerr.NotSupported("DDL is not supported with parameters")
	}
	m.batch.multi = &batchDDL{ddlTask: ddlTask{text: o.statement.sql, plan: o.portal.plan}}
	return nil
}

// run holds a connection to every node before it sends anything: a node that is
// down is found while no other has the change.
func (t *ddlTask) run(ctx context.Context, w worker) error {
	m := w.session()
	if err := m.cfg.catalog.Changing(ctx, m.cfg.database); err != nil {
		return err
	}
	nodes := nodesOf(&t.plan)
	t.owners = m.db.OwnerNodes()
	links, err := acquireAll(ctx, w, nodes)
	if err == nil {
		err = t.onAll(ctx, nodes, links, m.db.Home())
	}
	for _, l := range links {
		w.release(l)
	}
	if len(links) < len(nodes) {
		return err // nothing was sent
	}
	// Also after an error: what a node has done already, or may have, counts.
	unread := m.outside(ctx, func() error {
		warnings, err := m.cfg.catalog.Changed(ctx, m.cfg.database)
		t.warnings = append(t.warnings, warnings...)
		return err
	})
	if err != nil {
		return err
	}
	return unread
}

// acquireAll acquires a link to each node and brings it to the session's settings.
// The links are taken in the order of the nodes, as fanouts do, so that the two
// never wait for each other. With an error there are fewer links than nodes; the
// caller gives them back all the same.
func acquireAll(ctx context.Context, w worker, nodes []topology.NodeIndex) (links []*link, err error) {
	for _, node := range nodes {
		l, err := w.acquire(ctx, node)
		if err != nil {
			return links, err
		}
		if err := w.withSettings(ctx, l); err != nil {
			w.release(l)
			return links, err
		}
		links = append(links, l)
	}
	return links, nil
}

// onAll runs the text on one node after the other, home first. A server that
// owns no partitions may refuse it, as one does that lacks the tables of an
// adopted database: nothing is read or written there, so that is a warning.
func (t *ddlTask) onAll(ctx context.Context, nodes []topology.NodeIndex, links []*link, home topology.NodeIndex) error {
	order := make([]int, 0, len(nodes))
	for i, node := range nodes {
		if node == home {
			order = slices.Insert(order, 0, i)
		} else {
			order = append(order, i)
		}
	}
	var have []string
	for _, i := range order {
		id := string(links[i].id)
		err := t.on(ctx, links[i])
		if refused, ok := errors.AsType[*serverError](err); ok && !slices.Contains(t.owners, nodes[i]) {
			t.warnings = append(t.warnings, "node "+id+", which owns no partitions, refused the statement: "+refused.message)
			continue
		}
		if err != nil {
			return partial(err, id, have)
		}
		have = append(have, id)
	}
	return nil
}

// on runs the text on one node.
func (t *ddlTask) on(ctx context.Context, l *link) error {
	first := t.reply == nil
	var reply []byte
	l.query(t.text)
	err := l.exchange(ctx, func(typ byte, frame []byte) error {
		switch typ {
		case pgwire.MsgParameterStatus:
		case pgwire.MsgCopyInResponse, pgwire.MsgCopyOutResponse:
			return sqlerr.NodeProtocol(string(l.id), "COPY in a statement for all nodes")
		default:
			reply = append(reply, frame...)
		}
		return nil
	})
	if first {
		t.reply = reply
	}
	return err
}

// partial adds to the error of one node which nodes have the change already.
func partial(err error, node string, have []string) error {
	if len(have) == 0 {
		return err
	}
	return sqlerr.PartlyDone(node, strings.Join(have, ", "), err)
}

func (t *ddlTask) done(m *machine, err error) {
	for _, w := range t.warnings {
		m.emitWarning("01000", w)
	}
	if err != nil {
		m.emitError(err)
		m.script.failed = true
	} else {
		m.out = append(m.out, t.reply...)
	}
	m.script.at++
	m.advance()
}

// batchDDL is a ddlTask for a batch of the extended protocol.
type batchDDL struct{ ddlTask }

func (t *batchDDL) done(m *machine, err error) {
	for _, w := range t.warnings {
		m.emitWarning("01000", w)
	}
	if err != nil {
		m.failBatch(err)
		return
	}
	for i := range m.batch.ops {
		m.answerDDL(&m.batch.ops[i], t.reply)
	}
	m.finishBatch(false)
}

// answerDDL answers one message of a batch whose statement ran as a task.
func (m *machine) answerDDL(o *op, reply []byte) {
	if o.local != nil {
		m.out = append(m.out, o.local...)
		return
	}
	switch o.typ {
	case pgwire.MsgParse:
		m.out = append(m.out, parseComplete...)
	case pgwire.MsgBind:
		m.out = append(m.out, bindComplete...)
	case pgwire.MsgDescribe:
		if o.statement != nil {
			m.out = append(m.out, noParameters...)
		}
		m.out = append(m.out, noData...)
	case pgwire.MsgExecute:
		m.out = append(m.out, reply...)
	}
}
