package pgsession

import (
	"context"
	"math"
	"slices"
	"strconv"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
)

// counter is what a setval() sets.
type counter struct {
	name      string // qualified and quoted
	table     topology.TableName
	value     int64
	called    bool // the value counts as drawn
	increment int64
	min, max  int64
}

// lookUp finds the sequence of a name, or OID, on a server.
func (t *setvalTask) lookUp(ctx context.Context, l *link, name string, c *counter) error {
	r, err := l.exec(ctx, []byte("SELECT n.nspname, c.relname, pg_catalog.format('%I.%I', n.nspname, c.relname), s.seqincrement, s.seqmin, s.seqmax"+
		" FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"+
		" LEFT JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid WHERE c.oid = "+quoteLiteral(name)+"::pg_catalog.regclass"))
	if err != nil {
		return err
	}
	if len(r.rows) != 1 || r.rows[0][3] == nil {
		c.name = name // the server says what is wrong
		return nil
	}
	row := r.rows[0]
	c.table = topology.TableName{Schema: string(row[0]), Name: string(row[1])}
	c.name = string(row[2])
	for i, to := range []*int64{&c.increment, &c.min, &c.max} {
		if *to, err = strconv.ParseInt(string(row[3+i]), 10, 64); err != nil {
			return err
		}
	}
	return nil
}

// command sets the counter of a node.
func (c *counter) command(value int64, called bool) []byte {
	return []byte("SELECT pg_catalog.setval(" + quoteLiteral(c.name) + "::pg_catalog.regclass, " + itoa(value) + ", " + strconv.FormatBool(called) + ")")
}

// set sets the counter where it is drawn from.
func (t *setvalTask) set(ctx context.Context, w worker, home topology.NodeIndex, c *counter) error {
	m := w.session()
	sequence, known := m.db.Sequences[c.table]
	plain := func(l *link) error {
		_, err := l.exec(ctx, c.command(c.value, c.called))
		return err
	}
	if !known || sequence.Mode == topology.SequenceAtHome || c.value < c.min || c.value > c.max {
		err := t.on(ctx, w, home, plain)
		m.cfg.forgetDrawn()
		return err
	}
	if sequence.Mode != topology.SequenceStrided {
		return t.everywhere(ctx, w, func(_ topology.NodeIndex, l *link) error { return plain(l) })
	}
	err := t.everywhere(ctx, w, func(node topology.NodeIndex, l *link) error {
		own := &counter{}
		if err := t.lookUp(ctx, l, c.name, own); err != nil {
			return err
		}
		if own.increment != sequence.Stride {
			return sqlerr.NotSupported("setval() of a sequence that node " + string(m.db.Nodes[node].ID) + " does not count in classes is not supported").
				WithHint("Bring the tables of all nodes in line; the proxy puts the counters right when it reads the schema.")
		}
		if _, ok := c.inClass(m.db.Nodes[node].Slot, sequence.Stride); !ok {
			return sqlerr.NumericOutOfRange(itoa(c.value))
		}
		return nil
	})
	if err != nil {
		return err
	}
	return t.everywhere(ctx, w, func(node topology.NodeIndex, l *link) error {
		next, _ := c.inClass(m.db.Nodes[node].Slot, sequence.Stride)
		_, err := l.exec(ctx, c.command(next, false))
		return err
	})
}

// forgetDrawn forgets the keys that were fetched ahead on this peer.
func (c *config) forgetDrawn() {
	c.drawer.clear()
	if c.forget != nil {
		c.forget()
	}
}

// inClass is the next number of a node.
func (c *counter) inClass(slot topology.Slot, stride int64) (next int64, ok bool) {
	from := c.value
	if c.called {
		if from == math.MaxInt64 {
			return 0, false
		}
		from++
	}
	next, ok = topology.FirstInClass(max(from, c.min), slot, stride)
	return next, ok && next <= c.max
}

// everywhere runs f on every node. One that owns no partitions may lack the
// sequence.
func (t *setvalTask) everywhere(ctx context.Context, w worker, f func(topology.NodeIndex, *link) error) error {
	m := w.session()
	owners := m.db.OwnerNodes()
	for i := range m.db.Nodes {
		node := topology.NodeIndex(i)
		err := t.on(ctx, w, node, func(l *link) error { return f(node, l) })
		if refused, ok := asServerError(err); ok && refused.code == "42P01" && !slices.Contains(owners, node) {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
