package pgparse_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"

	"shardproxy/router/pgparse"
	"shardproxy/router/querytree"
)

// inventory counts what a tree holds by kind and name: "relation s.t",
// "function lower", "subquery", "parameter 1", "column t.a", "query".
type inventory map[string]int

// TestComplete compares what PostgreSQL's tree of each statement holds with
// what ours holds. The trees of queries must hold the same; those of other
// statements may hold more relations, as the names in DROP or OWNED BY are no
// RangeVar.
func TestComplete(t *testing.T) {
	texts := appwriteStatements(t)
	for _, a := range corpus(t) {
		texts = append(texts, a.statements...)
	}
	if len(texts) < 700 {
		t.Errorf("%d statements only", len(texts))
	}
	compared := 0
	for _, text := range texts {
		compared += compareInventories(t, text)
	}
	if compared < 700 {
		t.Errorf("%d statements compared only", compared)
	}
}

func compareInventories(t *testing.T, text string) int {
	t.Helper()
	tree, err := pg.Parse(text)
	if err != nil {
		t.Errorf("%s\n%v", text, err)
		return 0
	}
	statements, err := pgparse.Parser{}.Parse(text)
	if err != nil {
		t.Errorf("%s\n%v", text, err)
		return 0
	}
	compared := 0
	for i, raw := range tree.GetStmts() {
		want, got := inventory{}, inventory{}
		want.addMessage(raw.GetStmt().ProtoReflect())
		if statements[i].Kind == querytree.Set {
			delete(want, "cast") // SET TIME ZONE INTERVAL '...'
		}
		if !got.addStatement(statements[i]) {
			continue // has an Unknown: TestUnknown says which may
		}
		if isQuery(statements[i]) {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s\nPostgreSQL's tree and ours hold (-theirs +ours)\n%s", text, diff)
			}
		} else if missing := want.minus(got); len(missing) > 0 {
			t.Errorf("%s\nlost: %v", text, slices.Sorted(maps.Keys(missing)))
		}
		compared++
	}
	return compared
}

func isQuery(s *querytree.Statement) bool {
	switch s.Kind {
	case querytree.Select, querytree.Insert, querytree.Update, querytree.Delete, querytree.Merge,
		querytree.CreateTableAs, querytree.DeclareCursor:
		return true
	case querytree.Explain, querytree.Prepare:
		return isQuery(s.Inner)
	}
	return false
}

func (v inventory) minus(other inventory) inventory {
	out := inventory{}
	for k, n := range v {
		if n > other[k] {
			out[k] = n - other[k]
		}
	}
	return out
}

func (v inventory) relation(parts ...string) {
	v["relation "+strings.TrimLeft(strings.Join(parts, "."), ".")]++
}

// addMessage counts what is in PostgreSQL's tree. It looks into every field of
// every message, but type modifiers, which are no expressions, the names in FOR
// UPDATE OF, which are those of from items, and repetitions.
func (v inventory) addMessage(m protoreflect.Message) {
	switch n := m.Interface().(type) {
	case *pg.TypeName, *pg.LockingClause:
		return
	case *pg.MultiAssignRef:
		v.addSource(n)
		return
	}
	v.count(m)
	for i := range m.Descriptor().Fields().Len() {
		field := m.Descriptor().Fields().Get(i)
		switch {
		case field.Message() == nil || !m.Has(field):
		case field.IsList():
			list := m.Get(field).List()
			for j := range list.Len() {
				v.addMessage(list.Get(j).Message())
			}
		default:
			v.addMessage(m.Get(field).Message())
		}
	}
}

func (v inventory) count(m protoreflect.Message) {
	switch n := m.Interface().(type) {
	case *pg.RangeVar:
		v.relation(n.GetCatalogname(), n.GetSchemaname(), n.GetRelname())
	case *pg.FuncCall:
		v["function "+dottedName(n.GetFuncname())]++
	case *pg.JsonObjectAgg:
		v["function pg_catalog.json_objectagg"]++
	case *pg.JsonArrayAgg:
		v["function pg_catalog.json_arrayagg"]++
	case *pg.SubLink, *pg.JsonArrayQueryConstructor:
		v["subquery"]++
	case *pg.ParamRef:
		v["parameter "+strconv.Itoa(int(n.GetNumber()))]++
	case *pg.ColumnRef:
		v["column "+dottedName(n.GetFields())]++
	case *pg.SelectStmt, *pg.InsertStmt, *pg.UpdateStmt, *pg.DeleteStmt, *pg.MergeStmt:
		v["query"]++
	case *pg.TypeCast:
		v["cast"]++
	case *pg.CommonTableExpr:
		v["cte "+n.GetCtename()]++
	case *pg.SQLValueFunction, *pg.MergeSupportFunc:
		v["special"]++
	case *pg.RangeFunction, *pg.JsonTable, *pg.RangeTableFunc:
		v["function in from"]++
	}
}

// addSource counts the right side of a multi-column assignment, which the tree
// repeats for each column, once.
func (v inventory) addSource(m *pg.MultiAssignRef) {
	row := m.GetSource().GetRowExpr()
	switch {
	case row != nil && len(row.GetArgs()) == int(m.GetNcolumns()):
		v.addMessage(row.GetArgs()[m.GetColno()-1].ProtoReflect())
	case m.GetColno() == 1:
		v.addMessage(m.GetSource().ProtoReflect())
	}
}

func dottedName(nodes []*pg.Node) string {
	parts := make([]string, 0, len(nodes))
	for _, n := range nodes {
		if n.GetAStar() != nil {
			parts = append(parts, "*")
			continue
		}
		parts = append(parts, n.GetString_().GetSval())
	}
	return strings.Join(parts, ".")
}

// addStatement counts what is in our tree; false where it has an Unknown.
func (v inventory) addStatement(s *querytree.Statement) bool {
	querytree.Walk(s, func(n querytree.Node) bool {
		v.addNode(n)
		return true
	})
	return !hasUnknown(s)
}

func (v inventory) addNode(n querytree.Node) {
	switch n := n.(type) {
	case *querytree.Statement:
		if n.Tag != "SELECT INTO" { // the query names the table, too
			v.addNames(n.Relations)
		}
		v.addNames(n.Names)
		if n.DDL != nil {
			v.addNames(n.DDL.Names)
		}
		if n.Copy != nil {
			v.addNames([]querytree.RelationName{n.Copy.Relation})
		}
	case *querytree.Query:
		v.addQuery(n)
	case *querytree.TableRef:
		v.addNames([]querytree.RelationName{n.Name})
	case *querytree.FunctionRef:
		v["function in from"]++
	default:
		v.addExpr(n)
	}
}

func (v inventory) addQuery(q *querytree.Query) {
	v["query"]++
	if q.IntoTable != nil {
		v.addNames([]querytree.RelationName{*q.IntoTable})
	}
	for _, cte := range q.With {
		v["cte "+cte.Name]++
	}
}

func (v inventory) addNames(list []querytree.RelationName) {
	for _, r := range list {
		v.relation(r.Catalog, r.Schema, r.Name)
	}
}

func (v inventory) addExpr(n querytree.Node) {
	switch n := n.(type) {
	case *querytree.Function:
		v["function "+strings.TrimLeft(n.Schema+"."+n.Name, ".")]++
	case *querytree.Subquery:
		v["subquery"]++
	case *querytree.Param:
		v["parameter "+strconv.Itoa(n.N)]++
	case *querytree.Slot:
		base := querytree.SlotBase
		if n.List {
			base = querytree.ListBase
		}
		v["parameter "+strconv.Itoa(base+n.N)]++
	case *querytree.Column:
		parts := slices.Clone(n.Qualifier)
		if n.Star {
			parts = append(parts, "*")
		} else {
			parts = append(parts, n.Name)
		}
		v["column "+strings.Join(parts, ".")]++
	case *querytree.Cast:
		v["cast"]++
	case *querytree.Special:
		v["special"]++
	case *querytree.Group:
		if n.What == "json_array" && len(n.Parts) == 1 {
			return // JSON_ARRAY(SELECT ...) counts as its subquery
		}
	}
}
