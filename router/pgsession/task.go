package pgsession

import (
	"context"
	"errors"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
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

// emitNodeError sends an error that a task got, in the server's own bytes where
// it came from a server.
func (m *machine) emitNodeError(err error) {
	var ours *sqlerr.Error
	var server *serverError
	if errors.As(err, &ours) || !errors.As(err, &server) {
		m.emitError(sqlerr.From(err))
		return
	}
	m.out = append(m.out, server.frame...)
	m.cfg.observer.ServerError(m.cfg.database, server.code)
	m.failTransaction()
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

func (t *settingTask) done(m *machine, err error) { m.again(err) }

// again repeats the planning that a task was needed for, or ends the request
// with the task's error.
func (m *machine) again(err error) {
	switch {
	case err == nil && m.batch.running:
		m.replanBatch()
	case err == nil:
		m.advance()
	case m.batch.running:
		m.undoFrom(0)
		m.emitNodeError(err)
		m.finishBatch(true)
	default:
		m.emitNodeError(err)
		m.script.failed = true
		m.advance()
	}
}

// describeTask asks a server for the parameter types of a statement, which
// decide how its binary parameters are read.
type describeTask struct{ statement *prepared }

func (t *describeTask) run(ctx context.Context, w worker) error {
	m := w.session()
	l, err := w.acquire(ctx, m.convenient())
	if err != nil {
		return err
	}
	defer w.release(l)
	if err := w.withSettings(ctx, l); err != nil {
		return err
	}
	oids, err := describeParameters(ctx, l, t.statement)
	if err != nil {
		return err
	}
	m.cfg.types.add(t.statement.key, oids)
	return nil
}

func (t *describeTask) done(m *machine, err error) { m.again(err) }

// describeParameters prepares the unnamed statement and reads the types of its
// parameters.
func describeParameters(ctx context.Context, l *link, p *prepared) ([]uint32, error) {
	l.unnamed = statementKey{}
	l.out = pgwire.AppendParse(l.out[:0], "", p.key.Value().sql, p.oids)
	l.out = pgwire.AppendDescribe(l.out, pgwire.KindStatement, "")
	l.out = pgwire.AppendSync(l.out)
	oids := []uint32{}
	err := l.exchange(ctx, func(typ byte, frame []byte) error {
		if typ != pgwire.MsgParameterDescription {
			return nil
		}
		var d pgwire.ParameterDescription
		if err := d.Decode(frame); err != nil {
			return err
		}
		for i := range d.OIDs() {
			oids = append(oids, d.OID(i))
		}
		return nil
	})
	return oids, err
}
