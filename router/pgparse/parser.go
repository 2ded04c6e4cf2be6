package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// Parser parses texts of PostgreSQL's dialect (PostgreSQL 17's grammar). Its
// zero value is ready; it is safe for concurrent use.
type Parser struct{}

// Parse returns the statements of a text in order; none for an empty text.
// Every error is an *sqlerr.Error: 42601 for a syntax error, with the message
// and the position of the server; 54001 for a text that is nested too deeply;
// 22021 for bytes that are no text.
func (Parser) Parse(text string) ([]*querytree.Statement, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	tree, err := pg.Parse(text)
	if err != nil {
		return nil, parseError(err)
	}
	c := converter{text: text}
	statements := make([]*querytree.Statement, 0, len(tree.GetStmts()))
	for _, raw := range tree.GetStmts() {
		statements = append(statements, c.rawStatement(raw))
	}
	if c.tooDeep {
		return nil, tooDeep()
	}
	return statements, nil
}

// maxDepth bounds the nesting of the query trees we build, so that those who
// walk them need no bound of their own.
const maxDepth = 4000

// converter converts the statements of one text.
type converter struct {
	text    string
	depth   int
	tooDeep bool
}

// enter counts one level of nesting. Where it returns false, the level is not
// converted; the whole text is refused in the end.
func (c *converter) enter() bool {
	c.depth++
	if c.depth > maxDepth {
		c.tooDeep = true
		return false
	}
	return true
}

func (c *converter) leave() { c.depth-- }
