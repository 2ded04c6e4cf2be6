package catalog

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
)

// errExhausted: a node's class has no number left above the largest id.
var errExhausted = errors.New("no number is left above the largest id and counter of all nodes")

// counterState is a sequence's state under its lock.
type counterState struct {
	last, increment, start, min, max int64
	called                           bool
}

func stateOf(s *Sequence) counterState {
	return counterState{last: s.Last, increment: s.Increment, start: s.Start, min: s.Min, max: s.Max, called: s.Called}
}

func (c counterState) used() int64 {
	s := Sequence{Last: c.last, Called: c.called}
	return s.used()
}

// problem says why the counter is not in its class, "" where it is.
func (c counterState) problem(slot topology.Slot, stride int64) string {
	switch {
	case c.increment != stride:
		return fmt.Sprintf("it counts by %d, not %d", c.increment, stride)
	case !topology.InClass(c.last, slot, stride):
		return fmt.Sprintf("its number %d is not %d modulo %d", c.last, slot, stride)
	case !topology.InClass(c.start, slot, stride):
		return fmt.Sprintf("it starts again at %d, which is not %d modulo %d", c.start, slot, stride)
	}
	return ""
}

// limit is the largest number that all columns of the unit can hold.
func (u *unit) limit() int64 {
	limit := int64(math.MaxInt64)
	for _, c := range u.columns {
		if bits := c.column.IntBits; bits > 0 {
			limit = min(limit, math.MaxInt64>>(64-bits))
		}
	}
	return limit
}

// locked is a unit's counters on all nodes, locked in transactions.
type locked struct {
	states [][]counterState // by node, as unit.onNode
	// maxID is the largest number of a node that a column of the unit holds or
	// a counter has given out.
	maxID []int64
}

// change locks the unit's counters on every node, reads them and the largest
// ids, and sets those that are out of class.
func (s *strider) change(ctx context.Context, u *unit) error {
	nodes := s.conns.all()
	l := &locked{states: make([][]counterState, len(nodes)), maxID: make([]int64, len(nodes))}
	txs := make([]pgx.Tx, len(nodes))
	defer func() {
		// After Commit this does nothing.
		_ = s.conns.each(ctx, nodes, "end", func(ctx context.Context, i topology.NodeIndex, _ *pgx.Conn) error {
			if txs[i] != nil {
				_ = txs[i].Rollback(ctx)
			}
			return nil
		})
	}()
	op := "lock sequence " + u.sequence.Name.String()
	err := s.conns.each(ctx, nodes, op, func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) (err error) {
		if txs[i], err = conn.Begin(ctx); err != nil {
			return err
		}
		return s.lockOn(ctx, txs[i], u, i, l)
	})
	if err != nil {
		return err
	}
	statements, err := s.decide(u, l)
	if err != nil {
		return err
	}
	op = "set sequence " + u.sequence.Name.String()
	return s.conns.each(ctx, nodes, op, func(ctx context.Context, i topology.NodeIndex, _ *pgx.Conn) error {
		for _, sql := range statements[i] {
			if _, err := txs[i].Exec(ctx, sql); err != nil {
				return err
			}
		}
		return txs[i].Commit(ctx)
	})
}

// lockOn locks and reads the unit on one node.
func (s *strider) lockOn(ctx context.Context, tx pgx.Tx, u *unit, i topology.NodeIndex, l *locked) error {
	l.maxID[i] = math.MinInt64
	for _, name := range u.onNode[i] {
		c, err := readLocked(ctx, tx, name)
		if err != nil {
			return err
		}
		l.states[i] = append(l.states[i], c)
		l.maxID[i] = max(l.maxID[i], c.used())
	}
	for _, use := range u.columns {
		if s.snapshots[i].Table(use.table.Name) == nil {
			continue
		}
		var id *int64
		column := pgx.Identifier{use.column.Name}.Sanitize()
		err := tx.QueryRow(ctx, fmt.Sprintf("SELECT max(%s)::bigint FROM %s", column, sqlName(use.table.Name))).Scan(&id)
		if err != nil {
			return err
		}
		if id != nil {
			l.maxID[i] = max(l.maxID[i], *id)
		}
	}
	return nil
}

// readLocked locks a sequence and reads it. ALTER SEQUENCE, even one that changes
// nothing, keeps nextval out until the transaction ends and waits for those who
// called it; LOCK TABLE does not take sequences.
func readLocked(ctx context.Context, tx pgx.Tx, name topology.TableName) (c counterState, err error) {
	var increment int64
	err = tx.QueryRow(ctx, `SELECT seqincrement FROM pg_sequence WHERE seqrelid = to_regclass($1::text)`, sqlName(name)).Scan(&increment)
	if err != nil {
		return c, err
	}
	if _, err := tx.Exec(ctx, fmt.Sprintf("ALTER SEQUENCE %s INCREMENT BY %d", sqlName(name), increment)); err != nil {
		return c, err
	}
	err = tx.QueryRow(ctx, fmt.Sprintf(`
SELECT s.last_value, s.is_called, p.seqincrement, p.seqstart, p.seqmin, p.seqmax
  FROM %s AS s, pg_sequence AS p WHERE p.seqrelid = to_regclass($1::text)`, sqlName(name)), sqlName(name)).
		Scan(&c.last, &c.called, &c.increment, &c.start, &c.min, &c.max)
	return c, err
}

// decide returns the statements that put each node's counters into class.
func (s *strider) decide(u *unit, l *locked) ([][]string, error) {
	largest := int64(math.MinInt64)
	for _, id := range l.maxID {
		largest = max(largest, id)
	}
	statements := make([][]string, len(l.states))
	for i, states := range l.states {
		for at, c := range states {
			name := u.onNode[i][at]
			var sql string
			var err error
			if u.sequence.Mode == topology.SequenceStrided {
				sql, err = intoClass(name, c, s.conns.nodes[i].Slot, u.sequence.Stride, largest, u.limit())
			} else if topology.NodeIndex(i) == s.built.home && name == u.sequence.Name {
				sql, err = ahead(name, c, largest, u.limit())
			}
			if err != nil {
				return nil, fmt.Errorf("node %q: sequence %s: %w", s.conns.nodes[i].ID, name, err)
			}
			if sql != "" {
				statements[i] = append(statements[i], sql)
			}
		}
	}
	return statements, nil
}

// intoClass returns the statement that puts a counter into its class above the
// largest number used, "" where it is in class.
func intoClass(name topology.TableName, c counterState, slot topology.Slot, stride, largest, limit int64) (string, error) {
	if c.problem(slot, stride) == "" {
		return "", nil
	}
	start, ok := topology.FirstInClass(max(c.start, c.min), slot, stride)
	if !ok || start > min(c.max, limit) {
		return "", errExhausted
	}
	sql := fmt.Sprintf("ALTER SEQUENCE %s INCREMENT BY %d START WITH %d", sqlName(name), stride, start)
	if c.increment == stride && topology.InClass(c.last, slot, stride) {
		return sql, nil
	}
	if largest == math.MaxInt64 {
		return "", errExhausted
	}
	next, ok := topology.FirstInClass(max(largest+1, c.min), slot, stride)
	if !ok || next > min(c.max, limit) {
		return "", errExhausted
	}
	return fmt.Sprintf("%s RESTART WITH %d", sql, next), nil
}

// ahead returns the statement that moves a counter past the largest number
// used, "" where it is past it.
func ahead(name topology.TableName, c counterState, largest, limit int64) (string, error) {
	if c.used() >= largest || c.increment < 0 {
		return "", nil
	}
	if largest >= min(c.max, limit) {
		return "", errExhausted
	}
	return fmt.Sprintf("ALTER SEQUENCE %s RESTART WITH %d", sqlName(name), max(largest+1, c.min)), nil
}
