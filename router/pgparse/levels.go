package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"
)

// maxLevels bounds the depth of the trees that libpg_query builds. Its C code
// takes about 350 bytes of stack per level when it writes a tree out, and
// threads have 2 MiB or more.
const maxLevels = 4000

// levels returns at least the depth of the tree that a text parses to, by the
// tokens of PostgreSQL's own scanner.
//
// A tree gets deeper by brackets, and by chains of operators, joins and set
// operations, which need none: 1 + 1 + 1. So the depth is at most the number
// of tokens, less those that stand beside each other and not inside each
// other: what is on the two sides of a comma, a semicolon, an AND or an OR
// (the parser makes flat lists of these), a JOIN or a UNION (of which chains
// do get deeper, by one level each).
//
// The error is one of the scanner, for parseError.
func levels(text string) (int, error) {
	scan, err := pg.Scan(text)
	if err != nil {
		return 0, err
	}
	m := measure{stack: make([]bracket, 1, 64)}
	for _, token := range scan.GetTokens() {
		m.token(token.GetToken())
	}
	for len(m.stack) > 1 {
		m.pop()
	}
	return m.stack[0].depth(), nil
}

// bracket measures what is between two brackets, or CASE and END.
type bracket struct {
	isCase   bool
	sum      int // tokens since the last separator
	longest  int // the largest sum before it
	chained  int // joins and set operations
	betweens int // BETWEENs whose AND did not come yet
	earlier  int // the depth of the statements before this one
}

func (b *bracket) depth() int {
	return max(b.earlier, b.chained+max(b.longest, b.sum))
}

// end ends a statement.
func (b *bracket) end() { *b = bracket{isCase: b.isCase, earlier: b.depth()} }

func (b *bracket) separate() {
	b.longest = max(b.longest, b.sum)
	b.sum = 0
}

type measure struct{ stack []bracket }

func (m *measure) top() *bracket { return &m.stack[len(m.stack)-1] }

func (m *measure) push(isCase bool) {
	m.top().sum++
	m.stack = append(m.stack, bracket{isCase: isCase})
}

func (m *measure) pop() {
	depth := m.top().depth()
	m.stack = m.stack[:len(m.stack)-1]
	m.top().sum += depth
}

// popBracket ends the innermost bracket and what was left open in it.
func (m *measure) popBracket() {
	for len(m.stack) > 1 && m.top().isCase {
		m.pop()
	}
	if len(m.stack) > 1 {
		m.pop()
	}
}

func (m *measure) token(t pg.Token) {
	switch t {
	case pg.Token_IDENT, pg.Token_UIDENT, pg.Token_PARAM, pg.Token_ICONST, pg.Token_FCONST,
		pg.Token_SCONST, pg.Token_USCONST, pg.Token_BCONST, pg.Token_XCONST,
		pg.Token_SQL_COMMENT, pg.Token_C_COMMENT, pg.Token_ASCII_46:
		// Leaves, comments and the dot make no level.
	case pg.Token_ASCII_40, pg.Token_ASCII_91:
		m.push(false)
	case pg.Token_CASE:
		m.push(true)
	case pg.Token_ASCII_41, pg.Token_ASCII_93:
		m.popBracket()
	case pg.Token_END_P:
		if m.top().isCase {
			m.pop()
		}
	case pg.Token_ASCII_44, pg.Token_OR:
		m.top().separate()
	case pg.Token_ASCII_59:
		m.top().end()
	case pg.Token_BETWEEN:
		m.top().sum++
		m.top().betweens++
	case pg.Token_AND:
		m.and()
	case pg.Token_JOIN, pg.Token_UNION, pg.Token_INTERSECT, pg.Token_EXCEPT:
		m.top().chained++
		m.top().separate()
	default:
		m.top().sum++
	}
}

// and tells the AND of a BETWEEN, behind which a chain goes on, from the
// operator.
func (m *measure) and() {
	b := m.top()
	if b.betweens > 0 {
		b.betweens--
		b.sum++
		return
	}
	b.separate()
}
