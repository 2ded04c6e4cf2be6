package plan

import (
	_ "embed"
	"strings"

	"shardproxy/protocol/sqlerr"
)

// postgresOperators are the symbols of the operators of PostgreSQL and of its
// common extensions. Their functions compute; the function of another operator
// may do anything.
//
//go:embed data/postgres_operators.txt
var postgresOperators string

// operatorWords are the operators that are written as words.
const operatorWords = "is distinct from,is not distinct from,like,ilike,similar to,between,between symmetric," +
	"not like,not ilike,not similar to,not between,not between symmetric"

// readOperators returns the set of known operators.
func readOperators(data string) map[string]bool {
	known := set(strings.Fields(data)...)
	for word := range strings.SplitSeq(operatorWords, ",") {
		known[word] = true
	}
	return known
}

// operator refuses operators that are not known, or are named with another
// schema than the server's own: their functions may do anything.
func (a *analysis) operator(schema, name string) {
	known := a.dialect.operators
	if name == "" || (schema == "" || schema == a.dialect.builtin) && (known == nil || known[name]) {
		return
	}
	if schema != "" {
		name = schema + "." + name
	}
	a.block(sqlerr.Unroutable("operator " + name + " is not known to shardproxy").
		WithHint("Say where the statement runs: /* shardproxy: key=project:42 */."))
}

// namedOperator is operator for a name that may have its schema before it.
func (a *analysis) namedOperator(name string) {
	if schema, op, ok := strings.Cut(name, "."); ok {
		a.operator(schema, op)
		return
	}
	a.operator("", name)
}
