package sqlscan

// CopyParts are the places in the text of COPY table [(columns)] FROM or TO
// where a column list can be added or changed.
type CopyParts struct {
	// Table is the table's name as written, schema included.
	Table Span
	// ListAt is where a column list that is missing goes.
	ListAt int32
	// ListOpen and ListClose are the parentheses of the column list, -1 where
	// there is none.
	ListOpen, ListClose int32
	// From is set for COPY FROM.
	From bool
}

// FindCopy returns the parts of a COPY of a table. ok is false where text is
// anything else, COPY (query) TO included.
func FindCopy(text []byte, mode Mode) (parts CopyParts, ok bool) {
	c := newCursor(text, mode)
	if !c.word("copy") {
		return CopyParts{}, false
	}
	c.next()
	if c.word("binary") { // the syntax of PostgreSQL before 7.3
		c.next()
	}
	parts = CopyParts{ListOpen: -1, ListClose: -1}
	if parts.Table, ok = c.name(); !ok {
		return CopyParts{}, false
	}
	parts.ListAt = int32(c.end)
	if c.tok.Kind == TokenOpen {
		if parts.ListOpen, parts.ListClose, ok = c.parentheses(); !ok {
			return CopyParts{}, false
		}
	}
	parts.From = c.word("from")
	return parts, parts.From || c.word("to")
}
