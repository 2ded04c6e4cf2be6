package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"

	"shardproxy/router/querytree"
)

// documentExpr converts the expressions of SQL/JSON and SQL/XML; nil where the
// node is none. All but the aggregates are a Group of what they hold.
func (c *converter) documentExpr(n *pg.Node) querytree.Expr {
	switch n := n.GetNode().(type) {
	case *pg.Node_XmlExpr:
		return c.xml(n.XmlExpr)
	case *pg.Node_XmlSerialize:
		return c.fields("xmlserialize", n.XmlSerialize)
	case *pg.Node_JsonFuncExpr:
		return c.jsonFunction(n.JsonFuncExpr)
	case *pg.Node_JsonParseExpr:
		return c.fields("json", n.JsonParseExpr)
	case *pg.Node_JsonScalarExpr:
		return c.fields("json_scalar", n.JsonScalarExpr)
	case *pg.Node_JsonSerializeExpr:
		return c.fields("json_serialize", n.JsonSerializeExpr)
	case *pg.Node_JsonObjectConstructor:
		return c.fields("json_object", n.JsonObjectConstructor)
	case *pg.Node_JsonArrayConstructor:
		return c.fields("json_array", n.JsonArrayConstructor)
	case *pg.Node_JsonArrayQueryConstructor:
		return c.jsonArrayQuery(n.JsonArrayQueryConstructor)
	case *pg.Node_JsonIsPredicate:
		return c.fields("is json", n.JsonIsPredicate)
	case *pg.Node_JsonObjectAgg:
		return c.jsonAggregate("json_objectagg", n.JsonObjectAgg.GetArg(), n.JsonObjectAgg.GetConstructor())
	case *pg.Node_JsonArrayAgg:
		return c.jsonAggregate("json_arrayagg", n.JsonArrayAgg.GetArg(), n.JsonArrayAgg.GetConstructor())
	}
	return nil
}

// fields makes a Group of the expressions in the fields of a message.
func (c *converter) fields(what string, m proto.Message) querytree.Expr {
	f := finds{constants: true}
	c.gather(&f, m)
	if f.relations != nil || f.parts != nil {
		return &querytree.Unknown{What: what}
	}
	return &querytree.Group{What: what, Parts: f.exprs}
}

func (c *converter) xml(x *pg.XmlExpr) querytree.Expr {
	var what string
	switch x.GetOp() {
	case pg.XmlExprOp_IS_XMLCONCAT:
		what = "xmlconcat"
	case pg.XmlExprOp_IS_XMLELEMENT:
		what = "xmlelement"
	case pg.XmlExprOp_IS_XMLFOREST:
		what = "xmlforest"
	case pg.XmlExprOp_IS_XMLPARSE:
		what = "xmlparse"
	case pg.XmlExprOp_IS_XMLPI:
		what = "xmlpi"
	case pg.XmlExprOp_IS_XMLROOT:
		what = "xmlroot"
	case pg.XmlExprOp_IS_DOCUMENT:
		what = "is document"
	default:
		return &querytree.Unknown{What: x.GetOp().String()}
	}
	return c.fields(what, x)
}

func (c *converter) jsonFunction(j *pg.JsonFuncExpr) querytree.Expr {
	switch j.GetOp() {
	case pg.JsonExprOp_JSON_EXISTS_OP:
		return c.fields("json_exists", j)
	case pg.JsonExprOp_JSON_QUERY_OP:
		return c.fields("json_query", j)
	case pg.JsonExprOp_JSON_VALUE_OP:
		return c.fields("json_value", j)
	}
	return &querytree.Unknown{What: j.GetOp().String()}
}

// jsonArrayQuery converts JSON_ARRAY(SELECT ...).
func (c *converter) jsonArrayQuery(j *pg.JsonArrayQueryConstructor) querytree.Expr {
	q := c.query(j.GetQuery())
	if q == nil || !plainModifiers(j.GetOutput().GetTypeName()) {
		return &querytree.Unknown{What: "json_array"}
	}
	return &querytree.Group{What: "json_array", Parts: []querytree.Expr{
		&querytree.Subquery{Kind: querytree.ArraySubquery, Query: q},
	}}
}

// jsonAggregate converts JSON_OBJECTAGG and JSON_ARRAYAGG, which are
// aggregates like any other.
func (c *converter) jsonAggregate(name string, arg proto.Message, a *pg.JsonAggConstructor) querytree.Expr {
	args := finds{constants: true}
	c.gather(&args, arg)
	if args.relations != nil || args.parts != nil || !plainModifiers(a.GetOutput().GetTypeName()) {
		return &querytree.Unknown{What: name}
	}
	out := &querytree.Function{
		Schema: pgCatalog, Name: name, Args: args.exprs,
		Filter: c.expr(a.GetAggFilter()), OrderBy: c.orderBy(a.GetAggOrder()),
	}
	c.over(out, a.GetOver())
	return out
}

// jsonTable converts JSON_TABLE in FROM.
func (c *converter) jsonTable(t *pg.JsonTable) querytree.FromItem {
	return &querytree.FunctionRef{
		Calls:   []querytree.Expr{c.fields("json_table", t)},
		Alias:   t.GetAlias().GetAliasname(),
		Columns: renamed(jsonColumns(nil, t.GetColumns()), t.GetAlias()),
		Lateral: t.GetLateral(),
	}
}

// jsonColumns appends the names of the columns in the order of the output.
func jsonColumns(out []string, nodes []*pg.Node) []string {
	for _, n := range nodes {
		column := n.GetJsonTableColumn()
		if column.GetColtype() == pg.JsonTableColumnType_JTC_NESTED {
			out = jsonColumns(out, column.GetColumns())
			continue
		}
		out = append(out, column.GetName())
	}
	return out
}

// xmlTable converts XMLTABLE in FROM.
func (c *converter) xmlTable(t *pg.RangeTableFunc) querytree.FromItem {
	var columns []string
	for _, n := range t.GetColumns() {
		columns = append(columns, n.GetRangeTableFuncCol().GetColname())
	}
	return &querytree.FunctionRef{
		Calls:   []querytree.Expr{c.fields("xmltable", t)},
		Alias:   t.GetAlias().GetAliasname(),
		Columns: renamed(columns, t.GetAlias()),
		Lateral: t.GetLateral(),
	}
}

// renamed puts column aliases over the first columns.
func renamed(columns []string, alias *pg.Alias) []string {
	aliases := words(alias.GetColnames())
	if len(aliases) > len(columns) {
		return aliases
	}
	copy(columns, aliases)
	return columns
}
