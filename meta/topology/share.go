package topology

import (
	"fmt"
	"slices"
)

// shareParentKinds gives a table that is placed by its primary key the kind of
// another table, where a column of that primary key refers to the other's
// shard key: order_items(order_id, line) lives with its order.
func (r *resolver) shareParentKinds() {
	visited := make(map[TableName]bool)
	for _, name := range r.names {
		r.shareParentKind(name, visited)
	}
}

func (r *resolver) shareParentKind(name TableName, visited map[TableName]bool) {
	rel, t := r.relations[name], r.tables[name]
	if visited[name] || rel == nil || rel.Placement != Sharded || rel.Source != FromPrimaryKey {
		return
	}
	visited[name] = true
	for _, column := range t.primaryKey() {
		for i := range t.ForeignKeys {
			fk := &t.ForeignKeys[i]
			at := slices.Index(fk.Columns, column)
			if at < 0 || at >= len(fk.ParentColumns) || fk.Parent == name {
				continue
			}
			r.shareParentKind(fk.Parent, visited)
			parent := r.relations[fk.Parent]
			if parent == nil || parent.Placement != Sharded || parent.Key.Column != fk.ParentColumns[at] {
				continue
			}
			rel.Warnings = nil
			r.shard(t, rel, FromPrimaryKey, parent.Key.Kind, column,
				fmt.Sprintf("primary key column %s refers to the shard key of %s", column, fk.Parent))
			return
		}
	}
}
