package sqlscan

import "bytes"

// hintName begins the body of a comment that is a hint.
var hintName = []byte("shardproxy:")

// comment skips a comment that begins at i and keeps it if it is a hint. It
// reports whether there was one; its end is -1 if it is not terminated.
func (t *Tokens) comment(i int) (end int, ok bool) {
	if i+1 >= len(t.text) {
		return 0, false
	}
	switch {
	case t.text[i] == '-' && t.text[i+1] == '-':
		return lineEnd(t.text, i), true
	case t.text[i] == '/' && t.text[i+1] == '*':
		end = blockEnd(t.text, i)
		if end >= 0 {
			t.hint(i+2, end-2)
		}
		return end, true
	}
	return 0, false
}

// lineEnd returns the index of the newline that ends a line comment, or the
// end of the text.
func lineEnd(text []byte, i int) int {
	for i < len(text) && text[i] != '\n' && text[i] != '\r' {
		i++
	}
	return i
}

// blockEnd returns the end of the block comment that begins at i. Block
// comments nest. It is -1 where the comment is not terminated.
func blockEnd(text []byte, i int) int {
	depth := 1
	for i += 2; i+1 < len(text); i++ {
		switch {
		case text[i] == '*' && text[i+1] == '/':
			i++
			if depth--; depth == 0 {
				return i + 1
			}
		case text[i] == '/' && text[i+1] == '*':
			i++
			depth++
		}
	}
	return -1
}

// hint keeps the body of the block comment text[start:end] if it is one.
func (t *Tokens) hint(start, end int) {
	start = span(t.text, start, space)
	if start >= end || !bytes.HasPrefix(t.text[start:end], hintName) {
		return
	}
	start = min(span(t.text, start+len(hintName), space), end)
	for end > start && properties[t.text[end-1]]&space != 0 {
		end--
	}
	t.hints = append(t.hints, Span{int32(start), int32(end)})
}

// skip moves past white space and comments and returns the index of the first
// byte of the next token. It stops at a comment that is not terminated.
func (t *Tokens) skip() int {
	for t.pos < len(t.text) {
		switch classes[t.text[t.pos]] {
		case classSpace:
			t.pos++
			continue
		case classOperator:
			if end, ok := t.comment(t.pos); ok && end >= 0 {
				t.pos = end
				continue
			}
		}
		break
	}
	return t.pos
}
