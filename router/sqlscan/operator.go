package sqlscan

// operatorEnd returns the end of the operator that begins at i. It takes as
// many operator bytes as it can, up to the start of a comment; but for the
// sake of "a=-1" an operator of several bytes ends in + or - only if it holds
// a byte that no operator of the SQL standard has (manual section 4.1.3).
func (t *Tokens) operatorEnd(i int) int {
	text := t.text
	if i+1 >= len(text) || properties[text[i+1]]&operator == 0 || i < t.signs {
		return i + 1
	}
	end, solid := i, i+1
	var seen property
	for ; is(text, end, operator); end++ {
		if startsComment(text, end) {
			break
		}
		p := properties[text[end]]
		seen |= p
		if p&sign == 0 {
			solid = end + 1
		}
	}
	if seen&special != 0 || solid == end {
		return end
	}
	// The rest is plus and minus signs, each a token of its own. Remembering
	// that keeps a long run of them linear.
	t.signs = end
	return solid
}

// startsComment reports whether a comment starts at i.
func startsComment(text []byte, i int) bool {
	return text[i] == '-' && at(text, i+1, '-') || text[i] == '/' && at(text, i+1, '*')
}
