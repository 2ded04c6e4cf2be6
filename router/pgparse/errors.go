package pgparse

import (
	"errors"
	"strings"

	"github.com/pganalyze/pg_query_go/v6/parser"

	"shardproxy/protocol/sqlerr"
)

// parseError makes what a client sees of an error of pg_query.Parse.
func parseError(err error) error {
	var parse *parser.Error
	if !errors.As(err, &parse) {
		// The protobuf decoder: the text is valid UTF-8, so what it refuses is
		// a tree that is too deep.
		return tooDeep().Wrap(err)
	}
	out := sqlerr.SyntaxError(parse.Message, parse.Cursorpos)
	out.SQLState = sqlState(parse)
	return out
}

// tooDeep is the server's statement_too_complex.
func tooDeep() *sqlerr.Error {
	return &sqlerr.Error{
		Severity: sqlerr.SeverityError, SQLState: "54001", MySQL: 1436, Fault: sqlerr.FaultClient,
		Message: "statement is nested too deeply",
		Hint:    "Write long chains of operators, joins or set operations as lists, or in several statements.",
	}
}

// sqlState finds the state of an error of PostgreSQL's parser, which
// libpg_query leaves out. Nearly all are syntax errors; the others are told by
// the words of their messages.
func sqlState(e *parser.Error) string {
	if strings.Contains(e.Message, " at or near ") || strings.HasSuffix(e.Message, " at end of input") {
		return syntaxError // these messages quote the client
	}
	if e.Message == "invalid Unicode escape" && e.Filename == "scan.l" {
		return "22025" // in E'...'; U&'...' is another file's, and a syntax error
	}
	for _, m := range otherStates {
		if strings.Contains(e.Message, m.words) {
			return m.state
		}
	}
	return syntaxError
}

const syntaxError = "42601"

// otherStates are the errors of the server's gram.y, scan.l and parser.c with
// a state of their own.
var otherStates = [...]struct{ state, words string }{
	{"0A000", "not yet implemented"},
	{"0A000", "is not implemented"},
	{"0A000", "CREATE OR REPLACE CONSTRAINT TRIGGER is not supported"},
	{"0A000", "not supported on recursive views"},
	{"0A000", "is only supported for ON DELETE"},
	{"0A000", "no longer supported"},
	{"0A000", "no longer required"},
	{"0A000", "cannot include schema elements"},
	{"0A000", "constraints cannot be marked"},
	{"0A000", "aggregates cannot have output arguments"},
	{"0A000", "current database cannot be changed"},
	{"0A000", "only string constants are supported"},
	{"0A000", "an ordered-set aggregate with a VARIADIC"},
	{"0A000", "unsafe use of string constant with Unicode escapes"},
	{"22023", "column number must be in range"},
	{"22023", "precision for type float must be"},
	{"22023", "unrecognized JSON encoding"},
	{"22023", "unrecognized partitioning strategy"},
	{"22P06", "unsafe use of \\' in a string literal"},
	{"42710", "for hash partition provided more than once"},
	{"42939", "role name \"public\" is reserved"},
	{"42939", "role name \"none\" is reserved"},
	{"42939", "cannot be used as a role name here"},
	{"42P20", "frame start cannot be"},
	{"42P20", "frame end cannot be"},
	{"42P20", "frame starting from"},
}
