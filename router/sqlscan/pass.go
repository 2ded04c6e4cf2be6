package sqlscan

import "bytes"

// pass finds the end of a statement that is left as it is. tok is its next
// token, depth the number of open parentheses: a semicolon inside of
// parentheses does not end a statement.
func (s *Scan) pass(tok Token, depth int) Token {
	for ; tok.Kind != TokenEnd; tok = s.tokens.Next() {
		switch tok.Kind {
		case TokenOpen:
			depth++
		case TokenClose:
			depth = max(depth-1, 0)
		case TokenSemicolon:
			if depth == 0 {
				return tok
			}
		}
	}
	return tok
}

// passBody is pass for a whole statement that begins with tok. In CREATE
// FUNCTION and CREATE PROCEDURE the statements of a body between BEGIN and END
// have semicolons too. Like psql it counts these words, and CASE, outside of
// parentheses.
func (s *Scan) passBody(tok Token) Token {
	if !s.creates(tok) {
		return s.pass(tok, 0)
	}
	depth, blocks := 0, 0
	for ; tok.Kind != TokenEnd; tok = s.tokens.Next() {
		switch tok.Kind {
		case TokenOpen:
			depth++
		case TokenClose:
			depth = max(depth-1, 0)
		case TokenWord:
			if depth == 0 {
				blocks = s.block(tok, blocks)
			}
		case TokenSemicolon:
			if depth == 0 && blocks == 0 {
				return tok
			}
		}
	}
	return tok
}

// creates reports whether tok begins CREATE [OR REPLACE] FUNCTION or
// PROCEDURE.
func (s *Scan) creates(tok Token) bool {
	if !s.isWord(tok, "create") {
		return false
	}
	ahead := s.tokens
	tok = ahead.Next()
	if s.isWord(tok, "or") {
		if tok = ahead.Next(); !s.isWord(tok, "replace") {
			return false
		}
		tok = ahead.Next()
	}
	return s.isWord(tok, "function") || s.isWord(tok, "procedure")
}

// block returns the number of open blocks behind the word tok.
func (s *Scan) block(tok Token, blocks int) int {
	switch {
	case s.isWord(tok, "begin"), blocks > 0 && s.isWord(tok, "case"):
		return blocks + 1
	case blocks > 0 && s.isWord(tok, "end"):
		return blocks - 1
	default:
		return blocks
	}
}

func (s *Scan) isWord(tok Token, word string) bool { return tok.is(s.Text, word) }

// is reports whether the token is the unquoted word, which is in lower case.
func (t Token) is(text []byte, word string) bool {
	if t.Kind != TokenWord || t.End-t.Start != len(word) {
		return false
	}
	for i, c := range text[t.Start:t.End] {
		if folded[c] != word[i] {
			return false
		}
	}
	return true
}

// appendVerbatim appends the shape of a statement that is not stripped: the
// statement itself. One that begins with the mark of stripped shapes gets a
// second one, which no stripped shape has.
func appendVerbatim(dst, statement []byte) []byte {
	statement = bytes.TrimRight(statement, spaceBytes)
	if len(statement) > 0 && statement[0] == markStripped {
		dst = append(dst, markStripped)
	}
	return append(dst, statement...)
}
