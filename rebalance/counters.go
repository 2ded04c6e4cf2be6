package rebalance

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
	"shardproxy/rebalance/postgres"
	"shardproxy/router/catalog"
)

// column is a column of a table that takes its values from a sequence.
type column struct {
	table topology.TableName
	name  string
	bits  int // of an integer
}

// feeding returns the columns that each sequence of a node feeds.
func feeding(s *catalog.Snapshot) map[topology.TableName][]column {
	feeds := make(map[topology.TableName][]column)
	for i := range s.Tables {
		t := &s.Tables[i]
		for c := range t.Columns {
			if q := t.Columns[c].Sequence; q != (topology.TableName{}) {
				feeds[q] = append(feeds[q], column{t.Name, t.Columns[c].Name, t.Columns[c].IntBits})
			}
		}
	}
	return feeds
}

// counterpart returns the sequences of a node that feed the given columns; where
// there are none, the one of the same name.
func counterpart(s *catalog.Snapshot, name topology.TableName, columns []column) []*catalog.Sequence {
	var found []*catalog.Sequence
	for _, c := range columns {
		t := s.Table(c.table)
		if t == nil {
			continue
		}
		for i := range t.Columns {
			q := s.Sequences[t.Columns[i].Sequence]
			if t.Columns[i].Name == c.name && q != nil && !slices.Contains(found, q) {
				found = append(found, q)
			}
		}
	}
	if q := s.Sequences[name]; q != nil && len(columns) == 0 {
		found = append(found, q)
	}
	return found
}

func counterOf(s *catalog.Sequence, columns []column) postgres.Counter {
	limit := int64(math.MaxInt64)
	for _, c := range columns {
		if c.bits > 0 {
			limit = min(limit, math.MaxInt64>>(64-c.bits))
		}
	}
	return postgres.Counter{
		Name: s.Name, Start: s.Start, Increment: s.Increment, Min: s.Min, Max: s.Max, Limit: limit,
		Last: s.Last, Called: s.Called,
	}
}

// largest returns the largest number that a sequence has given out on any node
// or that is in a column it feeds.
func (f *fleet) largest(ctx context.Context, name topology.TableName, columns []column) (int64, error) {
	used := slices.Repeat([]int64{math.MinInt64}, len(f.nodes))
	err := f.each(ctx, "read the largest ids", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error {
		for _, q := range counterpart(f.snapshots[i], name, columns) {
			if !q.Readable {
				return fmt.Errorf("sequence %s: %s", q.Name, unreadable)
			}
			used[i] = max(used[i], counterOf(q, columns).Used())
		}
		for _, c := range columns {
			if f.snapshots[i].Table(c.table) == nil || c.bits == 0 {
				continue
			}
			id, err := postgres.LargestID(ctx, conn, c.table, c.name)
			if err != nil {
				return err
			}
			used[i] = max(used[i], id)
		}
		return nil
	})
	return slices.Max(used), err
}

const unreadable = "the role may not read it: GRANT SELECT ON it, or name another role in admin_dsn"

// checkCounters finds counters that placeCounters could not read.
func (j *joiner) checkCounters() {
	feeds := feeding(j.fleet.snapshots[j.db.Home()])
	for _, name := range slices.SortedFunc(maps.Keys(j.db.Sequences), byName) {
		if j.db.Sequences[name].Mode != topology.SequenceStrided {
			continue
		}
		for i, s := range j.fleet.snapshots {
			for _, q := range counterpart(s, name, feeds[name]) {
				if !q.Readable {
					j.plan.problem(fmt.Sprintf("node %q: sequence %s: %s", j.nodes[i].ID, q.Name, unreadable))
				}
			}
		}
	}
}

// placeCounters gives the new node's sequences the class of its slot, above what
// all nodes have given out. Nobody else draws from them yet.
func (j *joiner) placeCounters(ctx context.Context) error {
	if err := j.fleet.read(ctx); err != nil {
		return err
	}
	feeds := feeding(j.fleet.snapshots[j.db.Home()])
	for _, name := range slices.SortedFunc(maps.Keys(j.db.Sequences), byName) {
		s := j.db.Sequences[name]
		if s.Mode != topology.SequenceStrided {
			continue
		}
		columns := feeds[name]
		above, err := j.fleet.largest(ctx, name, columns)
		if err != nil {
			return err
		}
		for _, q := range counterpart(j.fleet.snapshots[j.last()], name, columns) {
			sql, err := counterOf(q, columns).IntoClass(j.node.Slot, s.Stride, above)
			if err == nil {
				err = execute(ctx, j.fleet.conns[j.last()], sql)
			}
			if err != nil {
				return nodeFailed(j.node.ID, "set sequence "+q.Name.String(), err)
			}
		}
	}
	return nil
}

// carryAhead moves the counters that only the home node draws from ahead on the
// node that becomes home, above what any node has given out.
func carryAhead(ctx context.Context, f *fleet, built *catalog.Built, home topology.NodeIndex) error {
	feeds := feeding(f.snapshots[home])
	for _, name := range slices.SortedFunc(maps.Keys(built.Sequences), byName) {
		if built.Sequences[name].Mode != topology.SequenceAtHome {
			continue
		}
		above, err := f.largest(ctx, name, feeds[name])
		if err != nil {
			return err
		}
		q := f.snapshots[home].Sequences[name]
		if q == nil || q.Cycle {
			continue // it begins again by itself
		}
		sql, err := counterOf(q, feeds[name]).Ahead(above)
		if err == nil {
			err = execute(ctx, f.conns[home], sql)
		}
		if err != nil {
			return nodeFailed(f.nodes[home].ID, "set sequence "+name.String(), err)
		}
	}
	return nil
}

func execute(ctx context.Context, conn *pgx.Conn, sql string) error {
	if sql == "" {
		return nil
	}
	_, err := conn.Exec(ctx, sql)
	return err
}
