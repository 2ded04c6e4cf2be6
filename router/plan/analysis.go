package plan

import (
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// analysis looks through one statement: which tables it refers to at which
// level, what is known of their keys there, and what else decides where it can
// run. It is used once.
type analysis struct {
	db      *topology.Database
	env     *Env
	dialect *dialect
	parser  Parser

	vars []variableInfo
	arms map[variable]*armSet
	refs []*reference
	// trials are the suppositions about recursive queries.
	trials []*trial
	// settled: all facts are there.
	settled bool

	root *env

	flags Flags
	write bool
	// home are the names of what can only run at home.
	home []string
	// catalogs is how many of these are catalogs of the server.
	catalogs int
	// atHome: what runs at home unless a shard key says otherwise.
	atHome bool
	// copies are the reference tables that are read.
	copies []*topology.Relation
	// lockedCopies are those of them that FOR UPDATE locks.
	lockedCopies []*topology.Relation
	// replicated is the write to rows that every node has a copy of, if any.
	replicated *sqlerr.Error
	// anyKey: rows with other keys than those bound may be read or changed.
	anyKey bool
	// nodeWide: the result is made of a share of each node.
	nodeWide bool

	// rewrite is what must change in the text.
	rewrite *Rewrite

	// failure refuses the statement. blocked refuses it unless a hint says
	// where it runs.
	failure *sqlerr.Error
	blocked *sqlerr.Error
	// needsNode: only a node hint lifts blocked.
	needsNode bool
	unknown   bool
	// apart is the first reason why results of several nodes cannot be put
	// together.
	apart string

	expansions int
	views      int
	levels     int
}

// Limits of what is looked through.
const (
	maxExpansions = 1000
	maxViewDepth  = 32
	maxReferences = 300
	maxLevels     = 100
)

// reference is a reference to a sharded table.
type reference struct {
	relation *topology.Relation
	alias    string
	env      *env
	// key is the variable of the key's column.
	key variable
	// write: the reference is what an UPDATE or DELETE changes.
	write bool
	// rows: the reference is what an INSERT fills; its keys are in sources, or
	// follow from key.
	rows    bool
	sources []*source
	// drawn: the keys of the new rows are made ahead of the INSERT.
	drawn bool
	// keeps are values that an UPDATE assigns to the key: they must be the key
	// that the reference is bound to.
	keeps []*source
	// level is the query level that the reference stands in.
	level *level
}

func (r *reference) String() string {
	if r.alias != "" && r.alias != r.relation.Name.Name {
		return r.relation.Name.String() + " " + r.alias
	}
	return r.relation.Name.String()
}

func newAnalysis(db *topology.Database, en *Env, d *dialect, p Parser) *analysis {
	a := &analysis{db: db, env: en, dialect: d, parser: p, arms: make(map[variable]*armSet)}
	a.root = newEnv(nil)
	a.root.plain = true
	return a
}

// fail refuses the statement; the first reason stays.
func (a *analysis) fail(err *sqlerr.Error) {
	if a.failure == nil {
		a.failure = err
	}
}

// block refuses the statement unless a key hint places it.
func (a *analysis) block(err *sqlerr.Error) {
	if a.blocked == nil {
		a.blocked = err
	}
	a.write = true
}

// separate notes why results of several nodes cannot be put together.
func (a *analysis) separate(reason string) {
	if a.apart == "" {
		a.apart = reason
	}
}

func (a *analysis) needHome(what string) { a.home = append(a.home, what) }

// reads notes a reference to a relation in FROM, and returns what it adds to
// its level. It must not be a view.
func (a *analysis) reads(rel *topology.Relation, ref *querytree.TableRef, l *level, e *env) rows {
	r := a.table(rel, e)
	switch rel.Placement {
	case topology.Sharded:
		a.refer(rel, ref, l, e, r)
		l.sharded = true
	case topology.Reference:
		a.copies = append(a.copies, rel)
		l.copies = true
		if l.locks(referenceName(ref)) {
			a.lockedCopies = append(a.lockedCopies, rel)
		}
	case topology.Global:
		a.needHome("table " + rel.Name.String() + " is global")
	case topology.System:
		a.needHome(rel.Name.String() + " is a catalog of the server")
		a.catalogs++
		r.open = r.open || len(rel.Columns) == 0
	default:
		a.fail(refused(rel))
	}
	return a.tableItem(rel, ref, r)
}

// refer notes a reference to a sharded table.
func (a *analysis) refer(rel *topology.Relation, ref *querytree.TableRef, l *level, e *env, r rows) *reference {
	out := &reference{relation: rel, alias: ref.Alias, env: e, key: noVariable, level: l}
	if rel.Key.Column != "" {
		out.key, _ = pick(r.columns, rel.Key.Column)
	}
	a.refs = append(a.refs, out)
	if len(a.refs) > maxReferences {
		a.fail(sqlerr.NotSupported("a statement with so many references to sharded tables"))
	}
	return out
}

// referenceName is the name a table reference goes by in its level.
func referenceName(ref *querytree.TableRef) string {
	if ref.Alias != "" {
		return ref.Alias
	}
	return ref.Name.Name
}

// tableItem gives a table's columns the name of its reference.
func (a *analysis) tableItem(rel *topology.Relation, ref *querytree.TableRef, r rows) rows {
	if ref.Alias != "" {
		r = r.named(ref.Alias, ref.Columns)
		r.items[0].system = true
		return r
	}
	r.items = []*item{{
		name: ref.Name.Name, schema: rel.Name.Schema, columns: r.columns, open: r.open, system: true,
	}}
	return r
}

func refused(rel *topology.Relation) *sqlerr.Error {
	reason := rel.Reason
	if reason == "" {
		reason = "it has no rule"
	}
	return sqlerr.NotSupported("relation \"" + rel.Name.String() + "\" cannot be used through shardproxy").WithDetail(reason)
}
