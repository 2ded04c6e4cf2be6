package pgparse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

const pgCatalog = "pg_catalog"

// words returns the values of a list of String nodes.
func words(nodes []*pg.Node) []string {
	if len(nodes) == 0 {
		return nil
	}
	out := make([]string, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, n.GetString_().GetSval())
	}
	return out
}

// dotted splits a name of several parts into what stands before the last dot
// and the last part.
func dotted(nodes []*pg.Node) (schema, name string) {
	if len(nodes) == 1 {
		return "", nodes[0].GetString_().GetSval()
	}
	return splitLast(words(nodes))
}

func splitLast(parts []string) (schema, name string) {
	if len(parts) == 0 {
		return "", ""
	}
	last := len(parts) - 1
	return strings.Join(parts[:last], "."), parts[last]
}

// operator returns an operator's name, with its schema before it unless that
// is pg_catalog.
func operator(nodes []*pg.Node) string {
	schema, name := dotted(nodes)
	if schema == "" || schema == pgCatalog {
		return name
	}
	return schema + "." + name
}

func relation(r *pg.RangeVar) querytree.RelationName {
	return querytree.RelationName{
		Catalog: r.GetCatalogname(), Schema: r.GetSchemaname(), Name: r.GetRelname(),
	}
}

// relationOf makes a relation's name of the parts of a dotted name.
func relationOf(parts []string) querytree.RelationName {
	schema, name := splitLast(parts)
	r := querytree.RelationName{Schema: schema, Name: name}
	if len(parts) > 2 {
		r.Catalog, r.Schema = splitLast(parts[:len(parts)-1])
	}
	return r
}
