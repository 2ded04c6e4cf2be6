package pgsession

import (
	"context"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
)

// task is blocking work on behalf of a request: cold look-ups, and statements
// for several nodes. It runs in the session's goroutine while the machine
// waits.
type task interface {
	// run does the work. It may write to the client through the worker.
	run(ctx context.Context, w worker) error
	// done takes the result back into the machine, which goes on from there.
	done(m *machine, err error)
}

// worker is what a task may use.
type worker interface {
	// acquire returns a clean link to a node; it must be given back.
	acquire(ctx context.Context, node topology.NodeIndex) (*link, error)
	// release gives a link back; broken links are closed.
	release(l *link)
	// emit sends bytes to the client, blocking while it does not read.
	emit(b []byte) error
	// flush sends what emit gathered.
	flush() error
	// withSettings brings a link to the session's settings.
	withSettings(ctx context.Context, l *link) error
	// machine is the session's; its plain data may be read.
	session() *machine
}

// runTask makes the machine wait for t.
func (m *machine) runTask(t task) {
	m.task = t
	m.state = stateTask
}

// taskDone is told how the task ended.
func (m *machine) taskDone(err error) {
	t := m.task
	m.task = nil
	m.state = stateIdle
	t.done(m, err)
}

// ask makes the current step wait until a server has accepted a setting. The
// step is then dispatched again.
func (m *machine) ask(item variable) { m.runTask(m.settingTask(item)) }

func (m *machine) settingTask(item variable) task { return &settingTask{item: item} }

// settingTask lets a server judge a setting that was not seen before.
type settingTask struct{ item variable }

func (t *settingTask) run(ctx context.Context, w worker) error {
	m := w.session()
	l, err := w.acquire(ctx, m.convenient())
	if err != nil {
		return err
	}
	defer w.release(l)
	if err := w.withSettings(ctx, l); err != nil {
		return err
	}
	result, err := l.exec(ctx, appendSet(nil, t.item))
	if err != nil {
		return err
	}
	l.vars = l.vars.with(t.item)
	t.item.reported = result.parameters[reportedName(t.item.name)]
	m.cfg.settings.add(t.item)
	return nil
}

func (t *settingTask) done(m *machine, err error) {
	if err == nil {
		m.accepted = t.item
	}
	m.again(err)
}

// again goes on with what a task was needed for, or fails it with the task's
// error.
func (m *machine) again(err error) {
	switch {
	case m.batch.running:
		m.resumeBatch(err)
	case err != nil:
		m.fail(err)
	default:
		m.advance()
	}
}

// describeTask asks a server for the types of a statement, which decide how its
// binary parameters are read and whether its binary results can be passed on.
type describeTask struct {
	statement *prepared
	params    []uint32
	columns   []pgwire.Column
	form      string
}

func (t *describeTask) run(ctx context.Context, w worker) error {
	m := w.session()
	if l := m.describer(); l != nil && m.tx.bound {
		return t.ask(ctx, m, l)
	} else if l != nil {
		return t.inSettings(ctx, w, l)
	}
	l, err := w.acquire(ctx, m.besides())
	if err != nil {
		return err
	}
	defer w.release(l)
	return t.inSettings(ctx, w, l)
}

// inSettings asks with the session's settings, those of an open transaction
// included.
func (t *describeTask) inSettings(ctx context.Context, w worker, l *link) error {
	m := w.session()
	if err := w.withSettings(ctx, l); err != nil {
		return err
	}
	if !m.onTrial() {
		return t.ask(ctx, m, l)
	}
	if _, err := l.exec(ctx, m.tx.appendPrelude(nil)); err != nil {
		return err
	}
	err := t.ask(ctx, m, l)
	if _, end := l.exec(ctx, []byte("ROLLBACK")); err == nil {
		err = end
	}
	return err
}

func (t *describeTask) done(m *machine, err error) {
	switch {
	case m.link != nil && m.link.broken:
		m.lost(err)
		return
	case err == nil:
		m.learn(t.statement, t.params, t.columns, t.form)
	}
	m.again(err)
}

// describer returns the link that the session holds, if it can describe a
// statement in between: it alone may know temporary tables. A Sync must not end
// what runs there.
func (m *machine) describer() *link {
	l := m.link
	if l == nil || m.tx.status == txFailed || m.batch.tied && !m.tx.bound || !l.replies.empty() {
		return nil
	}
	return l
}

// besides picks a node for what any node can answer while the session may hold a
// connection to one: not to that, which could have no second one to give.
func (m *machine) besides() topology.NodeIndex {
	node := m.convenient()
	if m.link == nil || m.link.node != node {
		return node
	}
	for _, other := range m.db.OwnerNodes() {
		if other != node && m.cfg.up(m.db, other) {
			return other
		}
	}
	return node
}

// ask prepares the unnamed statement and has it described.
func (t *describeTask) ask(ctx context.Context, m *machine, l *link) error {
	p := t.statement
	l.unnamed = statementKey{}
	l.out = pgwire.AppendParse(l.out, "", p.key.Value().sql, m.parameterTypes(p, l.node))
	l.out = pgwire.AppendDescribe(l.out, pgwire.KindStatement, "")
	l.out = pgwire.AppendSync(l.out)
	return l.exchange(ctx, func(typ byte, frame []byte) error {
		switch typ {
		case pgwire.MsgParameterDescription:
			oids, err := m.mapParameters(l.node, frame)
			if err != nil {
				return err
			}
			t.params = oids[:max(0, len(oids)-p.hidden)]
		case pgwire.MsgRowDescription:
			if err := m.mapColumns(l.node, frame); err != nil {
				return err
			}
			t.columns, t.form = m.columns.Columns, string(appendForm(nil, frame))
		}
		return nil
	})
}
