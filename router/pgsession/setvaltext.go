package pgsession

import (
	"bytes"
	"slices"
	"strings"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// setvalText is SELECT setval(arguments), cut into what is asked of servers.
type setvalText struct {
	arguments []byte
	reads     []setvalRead
	column    string // the name of the result
}

// setvalRead is a part of the arguments that reads rows: a subquery, or an
// aggregate of the FROM of a subquery or of the statement.
type setvalRead struct {
	start, end int    // in the arguments
	query      []byte // what yields its value, alone; nil: the part is left out
}

// setvalRefused is the refusal of a form that is not understood.
func setvalRefused(why string) *sqlerr.Error {
	return sqlerr.NotSupported("setval() " + why + " is not supported").
		WithHint("Use SELECT setval('name', value), with a constant or (SELECT max(column) FROM table) in the value.")
}

// cutSetval cuts the text of a statement that plan takes for a setval().
func cutSetval(text []byte, mode sqlscan.Mode, s *querytree.Statement) (*setvalText, *sqlerr.Error) {
	c := setvalCutter{text: text, tokens: sqlscan.NewTokens(text, 0, mode)}
	c.next()
	ok := c.take("select")
	if c.is("pg_catalog") {
		c.next()
		ok = ok && c.tok.Kind == sqlscan.TokenDot
		c.next()
	}
	if ok = ok && c.take("setval") && c.tok.Kind == sqlscan.TokenOpen; !ok {
		return nil, setvalRefused("in this spelling")
	}
	start := c.tok.End
	inner, closing := c.parentheses()
	if closing < 0 {
		return nil, setvalRefused("in this spelling")
	}
	out := &setvalText{arguments: text[start:closing], column: s.Query.Targets[0].Name}
	if out.column == "" {
		out.column = "setval"
	}
	if as := c.take("as"); as || s.Query.Targets[0].Name != "" {
		c.next()
	}
	switch {
	case c.is("from"):
		from := bytes.TrimRight(text[c.tok.Start:], "; \t\r\n")
		return out, out.aggregates(text, start, inner, from, s)
	case c.tok.Kind == sqlscan.TokenEnd, c.tok.Kind == sqlscan.TokenSemicolon:
		out.subqueries(text, start, inner)
		return out, nil
	}
	return nil, setvalRefused("in this spelling")
}

// subqueries finds (SELECT ...) among the tokens of the arguments.
func (t *setvalText) subqueries(text []byte, start int, tokens []sqlscan.Token) {
	for i := 0; i+1 < len(tokens); i++ {
		if tokens[i].Kind == sqlscan.TokenOpen && wordAt(text, tokens[i+1], "select") {
			end := closingOf(tokens, i)
			if !t.largest(text, start, tokens[i+1:end+1]) {
				t.reads = append(t.reads, setvalRead{
					tokens[i].Start - start, tokens[end].End - start, text[tokens[i].End:tokens[end].Start],
				})
			}
			i = end
		}
	}
}

// largest cuts a subquery whose columns are made of max(...), which alone can be
// asked of several nodes: (SELECT max(id) + 1 FROM ...). tokens are those inside of
// the parentheses, and the closing one.
func (t *setvalText) largest(text []byte, start int, tokens []sqlscan.Token) bool {
	from, depth := -1, 0
	for i, tok := range tokens[:len(tokens)-1] {
		switch {
		case tok.Kind == sqlscan.TokenOpen:
			depth++
			if from < 0 && (wordAt(text, tokens[i+1], "select") || !slices.ContainsFunc(largestOf, func(w string) bool { return i > 0 && wordAt(text, tokens[i-1], w) })) {
				return false
			}
		case tok.Kind == sqlscan.TokenClose:
			depth--
		case wordAt(text, tok, "union"), wordAt(text, tok, "intersect"), wordAt(text, tok, "except"):
			return false
		case depth == 0 && from < 0 && wordAt(text, tok, "from"):
			from = i
		}
	}
	if from < 0 {
		return false
	}
	closing := tokens[len(tokens)-1]
	tail := text[tokens[from].Start:closing.Start]
	before := len(t.reads)
	t.maxima(text, start, tokens[:from], tail)
	if len(t.reads) == before {
		return false
	}
	t.reads = append(t.reads, setvalRead{start: tokens[from].Start - start, end: closing.Start - start})
	return true
}

// largestOf is what may stand before a parenthesis in the columns of a subquery that
// largest cuts.
var largestOf = []string{"max", "coalesce", "greatest", "least"}

// maxima finds max(...) among tokens, each of which is a query of from.
func (t *setvalText) maxima(text []byte, start int, tokens []sqlscan.Token, from []byte) {
	for i := 0; i+1 < len(tokens); i++ {
		if wordAt(text, tokens[i], "max") && tokens[i+1].Kind == sqlscan.TokenOpen {
			end := closingOf(tokens, i+1)
			query := slices.Concat([]byte("SELECT "), text[tokens[i].Start:tokens[end].End], []byte(" "), from)
			t.reads = append(t.reads, setvalRead{tokens[i].Start - start, tokens[end].End - start, query})
			i = end
		}
	}
}

// aggregates finds max(...) among the tokens of the arguments, each of which is a
// query of the statement's FROM then.
func (t *setvalText) aggregates(text []byte, start int, tokens []sqlscan.Token, from []byte, s *querytree.Statement) *sqlerr.Error {
	known := true
	querytree.Walk(s, func(x querytree.Node) bool {
		switch x := x.(type) {
		case *querytree.Function:
			known = known && slices.Contains([]string{"setval", "max", "pg_get_serial_sequence"}, x.Name)
		case *querytree.Subquery:
			known = false
		}
		return true
	})
	t.maxima(text, start, tokens, from)
	if !known || len(t.reads) == 0 {
		return setvalRefused("over the rows of a table")
	}
	return nil
}

// with is a query for the arguments as one JSON array, with the values of what they
// read.
func (t *setvalText) with(values []string) []byte {
	out := []byte("SELECT pg_catalog.jsonb_build_array(")
	at := 0
	for i, r := range t.reads {
		out = append(out, t.arguments[at:r.start]...)
		out = append(out, values[i]...)
		at = r.end
	}
	out = append(out, t.arguments[at:]...)
	return append(out, "\n)"...)
}

// setvalCutter reads tokens with one of them at hand.
type setvalCutter struct {
	text   []byte
	tokens sqlscan.Tokens
	tok    sqlscan.Token
}

func (c *setvalCutter) next() { c.tok = c.tokens.Next() }

func (c *setvalCutter) is(word string) bool { return wordAt(c.text, c.tok, word) }

// take passes over a word.
func (c *setvalCutter) take(word string) bool {
	ok := c.is(word)
	if ok {
		c.next()
	}
	return ok
}

// parentheses passes over what the parenthesis at hand opens, and returns the
// tokens inside and where it closes, -1 where it does not.
func (c *setvalCutter) parentheses() (inner []sqlscan.Token, closing int) {
	for depth := 1; ; {
		c.next()
		switch c.tok.Kind {
		case sqlscan.TokenOpen:
			depth++
		case sqlscan.TokenClose:
			if depth--; depth == 0 {
				closing = c.tok.Start
				c.next()
				return inner, closing
			}
		case sqlscan.TokenEnd, sqlscan.TokenInvalid:
			return nil, -1
		}
		inner = append(inner, c.tok)
	}
}

func wordAt(text []byte, tok sqlscan.Token, word string) bool {
	return tok.Kind == sqlscan.TokenWord && strings.EqualFold(string(text[tok.Start:tok.End]), word)
}

// closingOf returns the index of the token that closes the i-th, of tokens that
// are balanced.
func closingOf(tokens []sqlscan.Token, i int) int {
	depth := 0
	for ; i < len(tokens)-1; i++ {
		switch tokens[i].Kind {
		case sqlscan.TokenOpen:
			depth++
		case sqlscan.TokenClose:
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return i
}
