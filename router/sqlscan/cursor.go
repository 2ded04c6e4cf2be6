package sqlscan

// cursor walks over the tokens of a statement whose places are looked for.
type cursor struct {
	text   []byte
	tokens Tokens
	tok    Token // the current token
	end    int   // the end of the token before it
}

func newCursor(text []byte, mode Mode) cursor {
	c := cursor{text: text, tokens: NewTokens(text, 0, mode)}
	c.tok = c.tokens.Next()
	return c
}

func (c *cursor) next() {
	c.end = c.tok.End
	c.tok = c.tokens.Next()
}

// word reports whether the current token is an unquoted word, given in lower
// case.
func (c *cursor) word(w string) bool { return c.tok.is(c.text, w) }

// ended reports whether the statement is over.
func (c *cursor) ended() bool {
	return c.tok.Kind == TokenEnd || c.tok.Kind == TokenSemicolon
}

// main moves to the word that says what the statement does, past EXPLAIN and
// WITH queries, and reports whether it is verb.
func (c *cursor) main(verb string) bool {
	if c.word("explain") {
		c.next()
		for c.word("analyze") || c.word("analyse") || c.word("verbose") {
			c.next()
		}
		if c.tok.Kind == TokenOpen {
			if _, _, ok := c.parentheses(); !ok {
				return false
			}
		}
	}
	if c.word("with") {
		return c.pastWith(verb)
	}
	return c.word(verb)
}

// pastWith moves past WITH name [(columns)] AS [[NOT] MATERIALIZED] (query),
// and so on. The query's parentheses come behind AS, and what follows them, a
// comma or the clauses SEARCH and CYCLE apart, is the statement's verb.
func (c *cursor) pastWith(verb string) bool {
	c.next()
	if c.word("recursive") {
		c.next()
	}
	for {
		// The name, and the columns.
		c.next()
		if c.tok.Kind == TokenOpen {
			if _, _, ok := c.parentheses(); !ok {
				return false
			}
		}
		if !c.word("as") {
			return false
		}
		for c.next(); c.word("not") || c.word("materialized"); {
			c.next()
		}
		if _, _, ok := c.parentheses(); !ok {
			return false
		}
		if c.word("search") || c.word("cycle") {
			if !c.pastCycle(verb) {
				return false
			}
		}
		if c.tok.Kind != TokenComma {
			return c.word(verb)
		}
		c.next()
	}
}

// pastCycle moves past the SEARCH and CYCLE clauses of a WITH query: to the
// verb, or to the comma before the next query, which a name and AS or a
// parenthesis follow.
func (c *cursor) pastCycle(verb string) bool {
	for !c.ended() && c.tok.Kind != TokenInvalid {
		switch {
		case c.tok.Kind == TokenComma:
			ahead := c.tokens
			ahead.Next()
			if then := ahead.Next(); then.Kind == TokenOpen || then.is(c.text, "as") {
				return true
			}
		case c.word(verb), c.word("select"):
			return true
		}
		c.next()
	}
	return false
}

// name reads a name that may have qualifiers.
func (c *cursor) name() (Span, bool) {
	start := c.tok.Start
	for {
		if c.tok.Kind != TokenWord && c.tok.Kind != TokenQuoted {
			return Span{}, false
		}
		c.next()
		if c.tok.Kind != TokenDot {
			return Span{int32(start), int32(c.end)}, true
		}
		c.next()
	}
}

// parentheses moves past the parentheses at the cursor and returns their
// offsets.
func (c *cursor) parentheses() (open, closing int32, ok bool) {
	if c.tok.Kind != TokenOpen {
		return 0, 0, false
	}
	open = int32(c.tok.Start)
	for depth := 0; ; c.next() {
		switch c.tok.Kind {
		case TokenOpen:
			depth++
		case TokenClose:
			if depth--; depth == 0 {
				closing = int32(c.tok.Start)
				c.next()
				return open, closing, true
			}
		case TokenEnd, TokenSemicolon, TokenInvalid:
			return 0, 0, false
		}
	}
}
