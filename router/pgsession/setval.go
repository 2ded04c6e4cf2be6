package pgsession

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strconv"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
)

// setvalTask is SELECT setval(...). The arguments are evaluated: what they read
// on the nodes that have the rows, the rest at home. Then the counter is set on
// every node that draws from it, each to the next number of the node's class. The
// client is answered with the value it asked for.
//
// As on a server, what was set stays set when the transaction is rolled back.
type setvalTask struct {
	statement *prepared
	bind      *pgwire.Bind // nil in a simple query
	text      *setvalText

	params    []uint32
	described bool   // the statement is right as far as its form goes
	result    []byte // decimal; nil: NULL
}

// newSetval plans a setval().
func (m *machine) newSetval(p *prepared, s *plan.Plan, bind *pgwire.Bind) (*setvalTask, *sqlerr.Error) {
	text, err := cutSetval(p.sql, m.scanMode(), s.Statement)
	if err != nil {
		return nil, err
	}
	return &setvalTask{statement: p, bind: bind, text: text}, nil
}

// planRead plans a query of ours that yields one value.
func (m *machine) planRead(query []byte) (*plan.Plan, *sqlerr.Error) {
	p := new(plan.Plan)
	m.scan.Statement(query, 0, m.scanMode())
	m.cfg.plans.Template(m.db, &m.env, &m.scan).Plan(m.db, &m.env, &m.scan, nil, p)
	several := p.Class == plan.Scatter || p.Class == plan.Subset
	switch {
	case p.Class == plan.Reject:
		return nil, p.Err
	case p.Write:
		return nil, setvalRefused("of what another function does")
	case several && oneRow(p.Merge) != nil:
		return p, m.allowScatter(p)
	case several || p.Class == plan.All || p.Class == plan.Local || p.Class == plan.Deferred:
		return nil, setvalRefused("of a query over several nodes that is not one aggregate")
	}
	return p, nil
}

// localSetval starts the setval() of a step.
func (m *machine) localSetval(st *step) bool {
	p := &prepared{sql: bytes.Clone(st.text)}
	p.setText(string(p.sql))
	t, err := m.newSetval(p, &st.plan, nil)
	if err != nil {
		m.refuse(err)
		return false
	}
	m.tx.queried = true
	m.noticePlan(&st.plan, st.text, nil)
	m.runTask(t)
	return true
}

func (t *setvalTask) run(ctx context.Context, w worker) error {
	m := w.session()
	home := m.db.Home()
	if m.pinned != "" {
		home = m.link.node // where its temporary sequences are
	}
	err := t.on(ctx, w, home, func(l *link) error { // what a server has to say of the statement
		d := &describeTask{statement: t.statement}
		err := d.ask(ctx, m, l)
		t.params, t.described = d.params, err == nil
		return err
	})
	if err != nil {
		return err
	}
	values := make([]string, len(t.text.reads))
	for i, r := range t.text.reads {
		if r.query == nil {
			continue
		}
		if values[i], err = t.read(ctx, w, r.query); err != nil {
			return err
		}
	}
	var c *counter
	err = t.on(ctx, w, home, func(l *link) error {
		c, err = t.evaluate(ctx, m, l, values)
		return err
	})
	if err != nil || c == nil {
		return err
	}
	if err := t.set(ctx, w, home, c); err != nil {
		return err
	}
	t.result = strconv.AppendInt(nil, c.value, 10)
	return nil
}

// on runs f on a link to a node: the session's own, where it is tied to that node.
// One at a time is held.
func (t *setvalTask) on(ctx context.Context, w worker, node topology.NodeIndex, f func(*link) error) error {
	m := w.session()
	if l := m.describer(); l != nil && m.tied() && l.node == node {
		return f(l)
	}
	l, err := w.acquire(ctx, node)
	if err != nil {
		return err
	}
	defer w.release(l)
	if err := w.withSettings(ctx, l); err != nil {
		return err
	}
	if !m.tx.open() || m.tx.begin == "BEGIN" {
		return f(l)
	}
	if _, err := l.exec(ctx, []byte(m.tx.begin)); err != nil { // it may be READ ONLY
		return err
	}
	err = f(l)
	if _, end := l.exec(ctx, []byte("ROLLBACK")); err == nil {
		err = end
	}
	return err
}

// read runs a query that yields one value, and returns that as a constant.
func (t *setvalTask) read(ctx context.Context, w worker, query []byte) (string, error) {
	m := w.session()
	p, refused := m.planRead(query)
	switch {
	case refused != nil:
		return "", refused
	case highestParameter(query, m.scanMode()) > 0:
		return "", setvalRefused("of a subquery with a parameter")
	case p.Class == plan.Single && m.tied() && m.link.node != p.Node && p.Flags&plan.FlagCatalog == 0:
		return "", m.elsewhere(p.Node)
	}
	nodes := []topology.NodeIndex{m.db.Home()}
	if p.Class == plan.Single || p.Class == plan.Scatter || p.Class == plan.Subset {
		nodes = nodesOf(p)
	}
	v := readValue{}
	if merge := oneRow(p.Merge); merge != nil && len(nodes) > 1 {
		v.merge = merge
	}
	for _, node := range nodes {
		err := t.on(ctx, w, node, func(l *link) error {
			l.query(query)
			return l.exchange(ctx, v.take)
		})
		if err != nil {
			return "", err
		}
	}
	if v.rows > len(nodes) {
		return "", setvalRefused("of a query with several rows")
	}
	if v.merge != nil {
		frame, err := v.merged.encode()
		if err == nil {
			err = v.keep(frame)
		}
		if err != nil {
			return "", err
		}
	}
	return constant(v.value, v.oid)
}

// readValue is the one value that a query yields on one node, or merged from
// several.
type readValue struct {
	merge  *plan.Merge
	merged mergedRow
	rows   int
	value  []byte
	oid    uint32
}

// take looks at a message of an answer.
func (v *readValue) take(typ byte, frame []byte) error {
	switch typ {
	case pgwire.MsgRowDescription:
		var d pgwire.RowDescription
		if err := d.Decode(frame); err != nil || len(d.Columns) != 1 {
			return errors.Join(err, errColumns)
		}
		v.oid = d.Columns[0].Type
		return v.merged.describe(frame, func(int) bool { return false })
	case pgwire.MsgDataRow:
		v.rows++
		if v.merge != nil {
			return v.merged.add(v.merge, frame)
		}
		return v.keep(frame)
	}
	return nil
}

// keep keeps the value of a row.
func (v *readValue) keep(frame []byte) error {
	var row pgwire.DataRow
	if err := row.Decode(frame); err != nil || len(row.Values) != 1 {
		return errors.Join(err, errColumns)
	}
	v.value = bytes.Clone(row.Values[0])
	return nil
}

// constant is a value as an expression of its type.
func constant(value []byte, oid uint32) (string, error) {
	name, ok := map[uint32]string{oidInt2: "int2", oidInt4: "int4", oidInt8: "int8", oidNumeric: "numeric", oidText: "text", oidBool: "bool"}[oid]
	if !ok {
		return "", setvalRefused("of a value that is no number")
	}
	if value == nil {
		return "NULL::pg_catalog." + name, nil
	}
	return quoteLiteral(string(value)) + "::pg_catalog." + name, nil
}

const oidBool = 16

// evaluate evaluates the arguments; nil: one of them is NULL, and nothing is to be
// done.
func (t *setvalTask) evaluate(ctx context.Context, m *machine, l *link, values []string) (*counter, error) {
	query := t.text.with(values)
	var arguments []byte
	take := func(typ byte, frame []byte) error {
		if typ != pgwire.MsgDataRow {
			return nil
		}
		var row pgwire.DataRow
		err := row.Decode(frame)
		if err == nil && len(row.Values) == 1 {
			arguments = bytes.Clone(row.Values[0])
		}
		return err
	}
	p, refused := m.planRead(query)
	if refused != nil {
		return nil, refused
	}
	if p.Class == plan.Single && p.Node != m.db.Home() {
		return nil, setvalRefused("of rows of another node")
	}
	if t.bind == nil {
		l.query(query)
	} else {
		params := make([]pgwire.Param, t.bind.Params())
		for i := range params {
			value, null, format := t.bind.Param(i)
			params[i] = pgwire.Param{Value: value, Format: format}
			if null {
				params[i].Value = nil
			}
		}
		l.unnamed = statementKey{}
		l.out = pgwire.AppendParse(l.out, "", string(query), t.params)
		l.out = pgwire.AppendBind(l.out, "", "", params, nil)
		l.out = pgwire.AppendExecute(l.out, "", 0)
		l.out = pgwire.AppendSync(l.out)
	}
	if err := l.exchange(ctx, take); err != nil {
		return nil, err
	}
	return t.counter(ctx, l, arguments)
}

// counter reads the arguments and looks the sequence up.
func (t *setvalTask) counter(ctx context.Context, l *link, arguments []byte) (*counter, error) {
	decoder := json.NewDecoder(bytes.NewReader(arguments))
	decoder.UseNumber()
	var list []any
	if err := decoder.Decode(&list); err != nil || len(list) < 2 || len(list) > 3 {
		return nil, setvalRefused("with these arguments")
	}
	if slices.Contains(list, nil) {
		return nil, nil //nolint:nilnil // NULL is a result
	}
	c := &counter{called: true}
	var err error
	number, text := list[1], ""
	switch x := number.(type) {
	case json.Number:
		text = x.String()
	case string:
		text = x
	}
	if c.value, err = strconv.ParseInt(text, 10, 64); err != nil {
		return nil, setvalRefused("of a value that is no integer")
	}
	if len(list) == 3 {
		switch x := list[2].(type) {
		case bool:
			c.called = x
		case string:
			c.called, err = strconv.ParseBool(x)
		default:
			err = errColumns
		}
		if err != nil {
			return nil, setvalRefused("with these arguments")
		}
	}
	name, ok := list[0].(string)
	if number, is := list[0].(json.Number); is {
		name, ok = number.String(), true
	}
	if !ok {
		return nil, setvalRefused("with these arguments")
	}
	return c, t.lookUp(ctx, l, name, c)
}

func (t *setvalTask) done(m *machine, err error) {
	switch {
	case m.link != nil && m.link.broken:
		m.lost(err)
	case err != nil:
		if t.described {
			m.out = append(m.out, t.description(pgwire.FormatText)...)
		}
		m.fail(err)
	default:
		m.out = append(m.out, t.description(pgwire.FormatText)...)
		m.out = append(m.out, t.row(pgwire.FormatText)...)
		m.emitTag("SELECT 1")
		m.nextStep()
	}
}

// description describes the result.
func (t *setvalTask) description(format int16) []byte {
	return pgwire.AppendRowDescription(nil, []pgwire.Column{{Name: []byte(t.text.column), Type: oidInt8, Size: 8, Modifier: -1, Format: format}})
}

// row is the result.
func (t *setvalTask) row(format int16) []byte {
	value := t.result
	if n, err := strconv.ParseInt(string(value), 10, 64); err == nil && format == pgwire.FormatBinary {
		value = binary.BigEndian.AppendUint64(nil, uint64(n))
	}
	return pgwire.AppendDataRow(nil, [][]byte{value})
}
