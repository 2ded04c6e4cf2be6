package sqlscan

// InsertParts are the places in the text of an INSERT where a column and its
// values can be added. Offsets are into the text that was given.
type InsertParts struct {
	// Table is the table's name as written, schema included.
	Table Span
	// ListAt is where a column list that is missing goes: behind the table's
	// name or its alias.
	ListAt int32
	// ListOpen and ListClose are the parentheses of the column list, -1 where
	// there is none.
	ListOpen, ListClose int32
	// SourceAt is where VALUES, the query or DEFAULT VALUES begins: OVERRIDING
	// SYSTEM VALUE goes before it.
	SourceAt int32
	// Overriding is the OVERRIDING ... VALUE clause, empty where there is none.
	Overriding Span
	// DefaultValues is the span of DEFAULT VALUES, empty where there is none.
	DefaultValues Span
	// Rows are the opening parentheses of the rows of VALUES. It is nil where
	// the source is a query: then no value can be added to it.
	Rows []int32
}

// FindInsert returns the parts of an INSERT, which may have WITH or EXPLAIN in
// front of it. ok is false where text is anything else. It allocates: it is
// for texts that are rewritten, not for the hot path.
func FindInsert(text []byte, mode Mode) (parts InsertParts, ok bool) {
	c := newCursor(text, mode)
	if !c.main("insert") {
		return InsertParts{}, false
	}
	c.next()
	if !c.word("into") {
		return InsertParts{}, false
	}
	c.next()
	parts = InsertParts{ListOpen: -1, ListClose: -1}
	if parts.Table, ok = c.name(); !ok {
		return InsertParts{}, false
	}
	if c.word("as") {
		c.next()
		if c.tok.Kind != TokenWord && c.tok.Kind != TokenQuoted {
			return InsertParts{}, false
		}
		c.next()
	}
	parts.ListAt = int32(c.end)
	if c.tok.Kind == TokenOpen && !c.queryInParentheses() {
		if parts.ListOpen, parts.ListClose, ok = c.parentheses(); !ok {
			return InsertParts{}, false
		}
	}
	return parts, c.source(&parts)
}

// source reads from OVERRIDING on.
func (c *cursor) source(parts *InsertParts) bool {
	if c.word("overriding") {
		parts.Overriding.Start = int32(c.tok.Start)
		c.next() // USER or SYSTEM
		c.next()
		if !c.word("value") {
			return false
		}
		c.next()
		parts.Overriding.End = int32(c.end)
	}
	parts.SourceAt = int32(c.tok.Start)
	switch {
	case c.word("default"):
		parts.DefaultValues.Start = int32(c.tok.Start)
		c.next()
		if !c.word("values") {
			return false
		}
		parts.DefaultValues.End = int32(c.tok.End)
		return true
	case c.word("values"):
		var ok bool
		parts.Rows, ok = c.rows()
		return ok
	default:
		return c.word("select") || c.word("with") || c.word("table") || c.tok.Kind == TokenOpen
	}
}

// rows reads the rows of VALUES. They are no plain rows, but part of a query,
// where another clause of a query follows: then the result is nil.
func (c *cursor) rows() ([]int32, bool) {
	var rows []int32
	for {
		c.next()
		if c.tok.Kind != TokenOpen {
			return nil, false
		}
		open, _, ok := c.parentheses()
		if !ok {
			return nil, false
		}
		rows = append(rows, open)
		if c.tok.Kind != TokenComma {
			break
		}
	}
	if c.ended() || c.word("on") || c.word("returning") {
		return rows, true
	}
	return nil, c.tok.Kind != TokenInvalid
}

// queryInParentheses reports whether the parenthesis at the cursor begins a
// query, not a column list. VALUES may be the name of a column.
func (c *cursor) queryInParentheses() bool {
	ahead := c.tokens
	first := ahead.Next()
	if first.is(c.text, "values") {
		return ahead.Next().Kind == TokenOpen
	}
	return first.Kind == TokenOpen || first.is(c.text, "select") ||
		first.is(c.text, "with") || first.is(c.text, "table")
}
