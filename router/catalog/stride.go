package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/meta/topology"
)

// strideLock is the advisory lock on the home node that whoever strides
// sequences holds, so that two peers do not choose numbers at once.
const strideLock int64 = 0x7368_6172_6470_7871

// fewIDs is how many ids a node should have left at least.
const fewIDs = 10_000_000

// Counter is a sequence on a node that is not in the node's class.
type Counter struct {
	Node     topology.NodeID
	Sequence topology.TableName // on the node
	What     string             // what is wrong with it
}

// StrideReport is what Stride found and did.
type StrideReport struct {
	// Changed are the counters that were out of class and are in it now.
	Changed []Counter
	// Failed are home's sequences that could not be strided, with the reason.
	Failed map[topology.TableName]string
	// Problems: sequences with few ids left.
	Problems []Problem
}

// Stride gives every sequence that the nodes draw from by themselves its
// stride, each node the class of its slot, starting above the largest id and
// counter of all nodes. What is in class already stays as it is. A sequence at
// home from which shard keys are drawn is moved ahead of its namesakes on the
// other nodes, which counted while it was not yet the one.
//
// A sequence is changed in transactions that lock it on all nodes, so no number
// is drawn meanwhile; an error of the server concerns that sequence only and is
// in the report. The returned error means that a node was lost half way: run
// Stride again.
func Stride(ctx context.Context, conns *Conns, snapshots []*Snapshot, built *Built) (*StrideReport, error) {
	s := &strider{
		conns: conns, snapshots: snapshots, built: built, uses: usedBy(built.tables),
		report: &StrideReport{Failed: make(map[topology.TableName]string)},
	}
	units := s.units()
	pending := slices.DeleteFunc(slices.Clone(units), func(u *unit) bool { return len(s.outOfClass(u)) == 0 })
	if len(pending) > 0 {
		if err := s.lock(ctx); err != nil {
			return nil, err
		}
		defer s.unlock(ctx)
	}
	for _, u := range pending {
		if err := s.change(ctx, u); err != nil {
			if _, ok := errors.AsType[*pgconn.PgError](err); !ok && !errors.Is(err, errExhausted) {
				return nil, err
			}
			s.report.Failed[u.sequence.Name] = err.Error()
			continue
		}
		s.report.Changed = append(s.report.Changed, s.outOfClass(u)...)
	}
	s.countLeft(units)
	return s.report, nil
}

// OutOfClass returns the counters that Stride would change: those that were
// set by hand or restored from elsewhere.
func OutOfClass(nodes []topology.Node, snapshots []*Snapshot, built *Built) []Counter {
	s := &strider{conns: &Conns{nodes: nodes}, snapshots: snapshots, built: built, uses: usedBy(built.tables)}
	var found []Counter
	for _, u := range s.units() {
		found = append(found, s.outOfClass(u)...)
	}
	return found
}

type strider struct {
	conns     *Conns
	snapshots []*Snapshot
	built     *Built
	uses      map[topology.TableName][]columnRef
	report    *StrideReport
}

// unit is a sequence of home with its counterparts on the other nodes: those
// that feed the same columns.
type unit struct {
	sequence topology.Sequence
	columns  []columnRef
	// onNode are the names on each node; several where a node feeds the
	// columns from several sequences, none where it lacks the tables.
	onNode [][]topology.TableName
}

// units returns what Stride looks after, in the order of names.
func (s *strider) units() []*unit {
	var units []*unit
	byName := func(a, b topology.TableName) int {
		return slices.Compare([]string{a.Schema, a.Name}, []string{b.Schema, b.Name})
	}
	for _, name := range slices.SortedFunc(maps.Keys(s.built.Sequences), byName) {
		sequence := s.built.Sequences[name]
		drawn := sequence.Mode == topology.SequenceAtHome && drawsKeys(s.uses[name], s.built.Relations)
		if sequence.Mode == topology.SequenceStrided || drawn {
			units = append(units, s.unit(sequence))
		}
	}
	return units
}

func (s *strider) unit(sequence topology.Sequence) *unit {
	u := &unit{sequence: sequence, columns: s.uses[sequence.Name], onNode: make([][]topology.TableName, len(s.snapshots))}
	for n, snapshot := range s.snapshots {
		for _, use := range u.columns {
			name, ok := sequenceOf(snapshot, use)
			if ok && !slices.Contains(u.onNode[n], name) {
				u.onNode[n] = append(u.onNode[n], name)
			}
		}
	}
	return u
}

// sequenceOf finds the sequence that feeds a column on another node.
func sequenceOf(s *Snapshot, use columnRef) (topology.TableName, bool) {
	t := s.Table(use.table.Name)
	if t == nil {
		return topology.TableName{}, false
	}
	for i := range t.Columns {
		if c := &t.Columns[i]; c.Name == use.column.Name {
			q := s.Sequences[c.Sequence]
			return c.Sequence, q != nil && q.Readable
		}
	}
	return topology.TableName{}, false
}

// outOfClass returns what is wrong with the unit's counters, by the snapshots.
func (s *strider) outOfClass(u *unit) []Counter {
	if u.sequence.Mode == topology.SequenceAtHome {
		return s.behind(u)
	}
	var found []Counter
	for n, names := range u.onNode {
		for _, name := range names {
			state := stateOf(s.snapshots[n].Sequences[name])
			if what := state.problem(s.conns.nodes[n].Slot, u.sequence.Stride); what != "" {
				found = append(found, Counter{Node: s.conns.nodes[n].ID, Sequence: name, What: what})
			}
		}
	}
	return found
}

// behind: home's counter, from which shard keys are drawn, is below another
// node's.
func (s *strider) behind(u *unit) []Counter {
	home := s.snapshots[s.built.home].Sequences[u.sequence.Name]
	for n, names := range u.onNode {
		for _, name := range names {
			if other := s.snapshots[n].Sequences[name]; home != nil && other.used() > home.used() {
				return []Counter{{
					Node: s.conns.nodes[s.built.home].ID, Sequence: u.sequence.Name,
					What: fmt.Sprintf("it has given out %d, node %q %d", home.used(), s.conns.nodes[n].ID, other.used()),
				}}
			}
		}
	}
	return nil
}

// lock waits for others who change sequences, as long as ctx lasts: the
// lock_timeout of the connection is for users' tables.
func (s *strider) lock(ctx context.Context) error {
	_, err := s.conns.conns[s.built.home].Exec(ctx, `
SELECT pg_advisory_lock($1::bigint) FROM (SELECT set_config('lock_timeout', '0', false)) AS unlimited`, strideLock)
	if err == nil {
		_, err = s.conns.conns[s.built.home].Exec(ctx, `SELECT set_config('lock_timeout', $1::text, false)`, s.conns.lockTimeout)
	}
	if err != nil {
		return s.conns.wrap(s.built.home, "lock out others who change sequences", err)
	}
	return nil
}

// unlock lets others change sequences. When it fails the connection is broken,
// and the lock is gone with it.
func (s *strider) unlock(ctx context.Context) {
	_, _ = s.conns.conns[s.built.home].Exec(ctx, `SELECT pg_advisory_unlock($1::bigint)`, strideLock)
}

// countLeft reports sequences that will run out soon.
func (s *strider) countLeft(units []*unit) {
	for _, u := range units {
		if u.sequence.Mode != topology.SequenceStrided {
			continue
		}
		for n, names := range u.onNode {
			for _, name := range names {
				q := s.snapshots[n].Sequences[name]
				left := (min(q.Max, u.limit()) - q.used()) / u.sequence.Stride
				if left < fewIDs {
					s.report.Problems = append(s.report.Problems, Problem{
						Node: s.conns.nodes[n].ID, Table: u.columns[0].table.Name,
						What: fmt.Sprintf("sequence %s has about %d ids left here", name, max(left, 0)),
					})
				}
			}
		}
	}
}
