package catalog

import (
	"fmt"

	"shardproxy/meta/topology"
)

// stridesOf returns the stride that each of home's sequences has or would have:
// the one it counts by already, else a narrow one where 32 bits must hold its
// numbers.
func stridesOf(in Input, tables []topology.TableSchema) map[topology.TableName]int64 {
	home := in.Owners[len(in.Owners)-1]
	uses := usedBy(tables)
	strides := make(map[topology.TableName]int64)
	wide, forNarrow := in.Rules.Strides()
	for name, s := range in.Snapshots[home].Sequences {
		narrow := s.Type == "int4"
		for _, use := range uses[name] {
			narrow = narrow || use.column.IntBits == 32
		}
		switch {
		case in.Rules.IsStride(s.Increment) &&
			topology.InClass(s.Last, in.Nodes[home].Slot, s.Increment):
			strides[name] = s.Increment
		case narrow:
			strides[name] = forNarrow
		default:
			strides[name] = wide
		}
	}
	return strides
}

// planSequences decides for each of home's sequences where its numbers come
// from. The nodes draw by themselves only what the server fills in while it
// inserts a row of a sharded table: shard keys are drawn by the proxy at home,
// and the rows of other tables are made at home first.
func planSequences(in Input, tables []topology.TableSchema, relations map[topology.TableName]*topology.Relation) map[topology.TableName]topology.Sequence {
	home := in.Snapshots[in.Owners[len(in.Owners)-1]]
	uses := usedBy(tables)
	strides := stridesOf(in, tables)
	plan := make(map[topology.TableName]topology.Sequence, len(home.Sequences))
	for name, s := range home.Sequences {
		if s.Extension == "" {
			plan[name] = planSequence(name, uses[name], strides[name], relations)
		}
	}
	return plan
}

func planSequence(name topology.TableName, uses []columnRef, stride int64, relations map[topology.TableName]*topology.Relation) topology.Sequence {
	s := topology.Sequence{Name: name, Mode: topology.SequenceAtHome, Reason: "no column takes its numbers"}
	for _, use := range uses {
		rel := relations[use.table.Name]
		where := fmt.Sprintf("%s.%s", use.table.Name, use.column.Name)
		switch {
		case rel == nil || rel.Placement != topology.Sharded:
			if s.Mode == topology.SequenceAtHome {
				s.Reason = "for " + where + ", whose rows are made at home"
			}
		case rel.Key.Column == use.column.Name:
			if s.Mode == topology.SequenceAtHome {
				s.Reason = "for the shard key " + where + ", drawn ahead of the INSERT"
			}
		case use.column.SequenceProblem != "":
			return topology.Sequence{Name: name, Mode: topology.SequencePerNode, Reason: where + ": " + use.column.SequenceProblem}
		default:
			s = topology.Sequence{Name: name, Mode: topology.SequenceStrided, Stride: stride, Reason: "for " + where}
		}
	}
	return s
}

// drawsKeys says whether the proxy draws shard keys from the sequence.
func drawsKeys(uses []columnRef, relations map[topology.TableName]*topology.Relation) bool {
	for _, use := range uses {
		rel := relations[use.table.Name]
		if rel != nil && rel.Placement == topology.Sharded && rel.Key.Column == use.column.Name &&
			rel.Key.Draw.Kind == topology.DrawSequence {
			return true
		}
	}
	return false
}
