package pgsession

import (
	"context"
	"crypto/rand"
	"fmt"
	"strconv"
	"sync"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/plan"
)

// drawBlock is how many values of a sequence are fetched at once, at least. What
// is left of a block when the proxy stops is a gap, as after a server's crash.
const drawBlock = 32

// drawer keeps values of sequences that were fetched ahead, for all sessions of
// one user and database. It is safe for concurrent use.
type drawer struct {
	mu     sync.Mutex
	blocks map[string][]string // by sequence or expression
}

func newDrawer() *drawer { return &drawer{blocks: make(map[string][]string)} }

// take returns n values that were fetched ahead, in order, or nil. A block too
// small for n is left alone: the values of one statement are consecutive.
func (d *drawer) take(source string, n int) []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	block := d.blocks[source]
	if len(block) < n {
		return nil
	}
	d.blocks[source] = block[n:]
	return block[:n:n]
}

// put adds fetched values. They replace what is left, which becomes a gap: the
// values of one statement must be consecutive.
func (d *drawer) put(source string, values []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.blocks[source] = values
}

// draw returns keys for n new rows; ok is false where a server has to be asked
// first (drawTask).
func (m *machine) draw(d *topology.Draw, n int) (keys []string, ok bool) {
	switch d.Kind {
	case topology.DrawUUID:
		for range n {
			keys = append(keys, newUUID())
		}
		return keys, true
	case topology.DrawSequence:
		keys = m.cfg.drawer.take(d.Sequence, n)
	case topology.DrawExpression:
		keys, m.fetched = m.fetched, nil
	}
	return keys, len(keys) == n
}

// newUUID is a random UUID, version 4 (RFC 9562, section 5.4).
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// drawTask fetches keys from a server: sequences at home, in blocks.
type drawTask struct {
	draw   *topology.Draw
	n      int
	result []string
}

func (t *drawTask) run(ctx context.Context, w worker) error {
	m := w.session()
	l, err := w.acquire(ctx, m.db.Home())
	if err != nil {
		return err
	}
	defer w.release(l)
	n := t.n
	source := t.draw.Expression
	if t.draw.Kind == topology.DrawSequence {
		n = max(n, drawBlock)
		source = "pg_catalog.nextval(" + quoteLiteral(t.draw.Sequence) + ")"
	}
	r, err := l.exec(ctx, []byte("SELECT "+source+" FROM pg_catalog.generate_series(1, "+strconv.Itoa(n)+")"))
	if err != nil {
		return err
	}
	values := make([]string, 0, n)
	for _, row := range r.rows {
		if len(row) != 1 || row[0] == nil {
			return sqlerr.NotSupported("a shard key whose default is NULL is not supported").
				WithHint("Write the key in the INSERT.")
		}
		values = append(values, string(row[0]))
	}
	if t.draw.Kind == topology.DrawSequence {
		m.cfg.drawer.put(t.draw.Sequence, values)
	} else {
		t.result = values
	}
	return nil
}

func (t *drawTask) done(m *machine, err error) {
	m.fetched = t.result
	m.again(err)
}

// placeDrawn plans an INSERT again, now that the keys of its rows are known.
func (m *machine) placeDrawn(p *plan.Plan, rel *topology.Relation, keys []string, again func(canonical [][]byte)) *sqlerr.Error {
	canonical := make([][]byte, len(keys))
	for i, key := range keys {
		bytes, ok := ring.AppendText(nil, rel.Key.Type, []byte(key))
		if !ok {
			return sqlerr.InvalidKey(rel.Name.String(), rel.Key.Column, rel.Key.Type.String(), key)
		}
		canonical[i] = bytes
	}
	again(canonical)
	p.Epoch = m.topo.Epoch
	if p.Class == plan.Reject {
		return p.Err
	}
	if rel.Key.Draw.Kind == topology.DrawSequence {
		if last, err := strconv.ParseInt(keys[len(keys)-1], 10, 64); err == nil {
			m.drawn, m.hasDrawn = last, true
		}
	}
	return nil
}
