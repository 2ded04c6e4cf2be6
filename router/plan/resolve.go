package plan

import (
	"strings"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// relation finds the relation that a name means: nil where the topology has
// none. temporary is set for names in the schema of temporary tables.
func (a *analysis) relation(name querytree.RelationName) (rel *topology.Relation, temporary bool) {
	switch {
	case name.Catalog != "" && name.Catalog != a.db.Name:
		return nil, false
	case a.dialect.isTemporary(name.Schema):
		return nil, true
	case name.Schema != "":
		return a.qualified(name.Schema, name.Name), false
	}
	return a.searched(name.Name), false
}

func (a *analysis) qualified(schema, name string) *topology.Relation {
	if rel := a.db.Relations[topology.TableName{Schema: schema, Name: name}]; rel != nil {
		return rel
	}
	if a.dialect.catalogs[schema] {
		return systemRelation(schema, name)
	}
	return nil
}

// searched looks a bare name up along the search path. The server's own schema
// is searched first where the path does not say otherwise.
func (a *analysis) searched(name string) *topology.Relation {
	d := a.dialect
	builtin := d.relationPrefix != "" && strings.HasPrefix(name, d.relationPrefix)
	if builtin && !a.searches(d.builtin) {
		return a.qualified(d.builtin, name)
	}
	for _, schema := range a.env.SearchPath {
		if rel := a.db.Relations[topology.TableName{Schema: schema, Name: name}]; rel != nil {
			return rel
		}
		if schema == d.builtin && builtin {
			return a.onlyBuiltin(name)
		}
	}
	return nil
}

// onlyBuiltin is the server's own relation of that name. It is nil where a user's
// relation could be meant: it is hidden only if the server has the name too.
func (a *analysis) onlyBuiltin(name string) *topology.Relation {
	for _, schema := range a.env.SearchPath {
		rel := a.db.Relations[topology.TableName{Schema: schema, Name: name}]
		if rel != nil && rel.Placement != topology.System {
			return nil
		}
	}
	return a.qualified(a.dialect.builtin, name)
}

func (a *analysis) searches(schema string) bool {
	for _, s := range a.env.SearchPath {
		if s == schema {
			return true
		}
	}
	return false
}

func systemRelation(schema, name string) *topology.Relation {
	return &topology.Relation{
		Name:      topology.TableName{Schema: schema, Name: name},
		Placement: topology.System, Source: topology.FromDefault,
		Reason: "a catalog of the server",
	}
}

// spelled is a name as it was written.
func spelled(n querytree.RelationName) string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// unknownTable refuses a statement for a table the topology does not have.
func (a *analysis) unknownTable(name querytree.RelationName, temporary bool) {
	err := sqlerr.UndefinedTable(spelled(name)).
		WithHint("If the table was made on the nodes and not through shardproxy, have the schema read again: shardctl tables --reload.")
	if temporary {
		err = sqlerr.UndefinedTable(spelled(name)).WithHint("The session has no temporary tables.")
	}
	if a.failure == nil {
		a.unknown = true
	}
	a.fail(err)
}

// builtinOperators reports whether "=" is certain to be the server's own.
func (a *analysis) builtinOperators() bool {
	path := a.env.SearchPath
	return a.dialect.builtin == "" || len(path) == 0 || path[0] == a.dialect.builtin || !a.searches(a.dialect.builtin)
}
