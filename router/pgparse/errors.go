package pgparse

import (
	"errors"

	"github.com/pganalyze/pg_query_go/v6/parser"

	"shardproxy/protocol/sqlerr"
)

// parseError makes what a client sees of an error of pg_query.Parse.
func parseError(err error) error {
	var parse *parser.Error
	if !errors.As(err, &parse) {
		// The protobuf decoder refuses only trees that are too deep: the text
		// is valid UTF-8.
		return tooDeep().Wrap(err)
	}
	return &sqlerr.Error{
		Severity: sqlerr.SeverityError, SQLState: "42601", MySQL: 1064,
		Message: parse.Message, Position: parse.Cursorpos, Fault: sqlerr.FaultClient,
	}
}

func tooDeep() *sqlerr.Error {
	return &sqlerr.Error{
		Severity: sqlerr.SeverityError, SQLState: "54001", MySQL: 1436,
		Message: "statement is nested too deeply",
		Hint:    "Write long chains of operators, joins or set operations as lists or with parentheses around groups of them.",
		Fault:   sqlerr.FaultClient,
	}
}
