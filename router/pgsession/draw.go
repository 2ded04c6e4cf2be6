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

// clear forgets what was fetched: somebody has set a counter.
func (d *drawer) clear() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.blocks)
}

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

// put adds fetched values. What cannot be kept becomes a gap: the values of one
// statement must be consecutive.
func (d *drawer) put(source string, values []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(values) > len(d.blocks[source]) {
		d.blocks[source] = values
	}
}

// draw returns keys for n new rows; ok is false where a server has to be asked
// first (drawTask).
func (m *machine) draw(d *topology.Draw, n int) (keys []string, ok bool) {
	if f := m.fetched; f.draw == d && len(f.keys) == n {
		m.fetched = fetched{}
		return f.keys, true
	}
	switch d.Kind {
	case topology.DrawUUID:
		for range n {
			keys = append(keys, newUUID())
		}
	case topology.DrawSequence:
		keys = m.cfg.drawer.take(d.Sequence, n)
	}
	return keys, len(keys) == n
}

// fetched are the keys that a drawTask made for the statement that waits.
type fetched struct {
	draw *topology.Draw
	keys []string
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
	// A transaction at home that waited for a second connection there could wait
	// for others that do the same.
	if l := m.describer(); l != nil && m.tx.bound && l.node == m.db.Home() {
		return t.fetch(ctx, m, l)
	}
	l, err := w.acquire(ctx, m.db.Home())
	if err != nil {
		return err
	}
	defer w.release(l)
	if err := w.withSettings(ctx, l); err != nil {
		return err
	}
	return t.fetch(ctx, m, l)
}

// fetch asks a server for the keys, and for some more of a sequence.
func (t *drawTask) fetch(ctx context.Context, m *machine, l *link) error {
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
	l.drew = new(drawnBy)
	values := make([]string, 0, n)
	for _, row := range r.rows {
		if len(row) != 1 || row[0] == nil {
			return sqlerr.NotSupported("a shard key whose default is NULL is not supported").
				WithHint("Write the key in the INSERT.")
		}
		values = append(values, string(row[0]))
	}
	if len(values) != n {
		return sqlerr.NodeProtocol(string(l.id), "a result of another length than its query")
	}
	t.result = values[:t.n:t.n]
	if t.draw.Kind == topology.DrawSequence {
		m.cfg.drawer.put(t.draw.Sequence, values[t.n:])
	}
	return nil
}

func (t *drawTask) done(m *machine, err error) {
	if m.link != nil && m.link.broken {
		m.lost(err)
		return
	}
	m.fetched = fetched{t.draw, t.result}
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
