package sqlscan

// TokenKind is the kind of a Token.
type TokenKind uint8

// The kinds of tokens.
const (
	TokenEnd     TokenKind = iota // the end of the text
	TokenInvalid                  // what PostgreSQL's lexer refuses: unterminated, junk after a number, a stray byte

	TokenWord         // an unquoted identifier or a keyword
	TokenQuoted       // "x" and U&"x"
	TokenParam        // $1
	TokenInteger      // decimal digits
	TokenNumber       // any other number
	TokenString       // 'x' without backslash escapes
	TokenEscapeString // E'x', or 'x' with a backslash under BackslashStrings
	TokenPrefixString // B'x', X'x', N'x', U&'x'
	TokenDollarString // $$x$$
	TokenOperator     // any operator, * and = included
	TokenDot          // . and ..
	TokenColon        // :, :: and :=
	TokenOpen         // (
	TokenClose        // )
	TokenOpenBracket  // [
	TokenCloseBracket // ]
	TokenComma
	TokenSemicolon
)

// Token is one token: text[Start:End].
type Token struct {
	Kind       TokenKind
	Start, End int
}

// Tokens reads the tokens of a text one by one, as PostgreSQL's lexer cuts
// them (manual section 4.1, src/backend/parser/scan.l). White space and
// comments are skipped. A string that is continued on a later line is one
// token. Next after the end of the text returns TokenEnd for ever.
type Tokens struct {
	text  []byte
	pos   int
	signs int // up to here each + and - is a token of its own, see operatorEnd
	mode  Mode
	hints []Span
}

// NewTokens returns the tokens of text from offset from on. The text is not
// copied.
func NewTokens(text []byte, from int, mode Mode) Tokens {
	return Tokens{text: text, pos: min(max(from, 0), len(text)), mode: mode}
}

// Next returns the next token.
func (t *Tokens) Next() Token {
	text := t.text
	i := t.pos
	for i < len(text) {
		switch classes[text[i]] {
		case classSpace:
			i++
			continue
		case classWord:
			return t.take(TokenWord, i, span(text, i+1, wordPart))
		case classPrefix:
			return t.prefixed(i)
		case classOperator:
			if end, ok := t.comment(i); ok {
				if end < 0 {
					return t.take(TokenInvalid, i, len(text))
				}
				i = end
				continue
			}
			return t.take(TokenOperator, i, t.operatorEnd(i))
		case classPunct:
			return t.take(punct(text[i]), i, i+1)
		case classDigit:
			kind, end := number(text, i)
			return t.take(kind, i, end)
		case classQuote:
			kind, end := quoted(text, i, t.mode&BackslashStrings != 0)
			return t.take(kind, i, end)
		case classDouble:
			kind, end := identifier(text, i)
			return t.take(kind, i, end)
		case classDot:
			return t.dot(i)
		case classColon:
			return t.colon(i)
		case classDollar:
			kind, end := dollar(text, i)
			return t.take(kind, i, end)
		default:
			return t.take(TokenInvalid, i, i+1)
		}
	}
	return t.take(TokenEnd, i, i)
}

// take moves past a token and returns it.
func (t *Tokens) take(kind TokenKind, start, end int) Token {
	t.pos = end
	return Token{kind, start, end}
}

func punct(c byte) TokenKind {
	switch c {
	case '(':
		return TokenOpen
	case ')':
		return TokenClose
	case '[':
		return TokenOpenBracket
	case ']':
		return TokenCloseBracket
	case ',':
		return TokenComma
	default:
		return TokenSemicolon
	}
}

// prefixed reads what begins with a letter that may be a prefix: E'x', B'x',
// X'x', N'x', U&'x', U&"x", or a word.
func (t *Tokens) prefixed(i int) Token {
	text := t.text
	quote := i + 1
	switch {
	case at(text, quote, '\''):
		if kind, end := prefixString(text, i, quote, t.mode); kind != TokenWord {
			return t.take(kind, i, end)
		}
	case at(text, quote, '&') && text[i]|0x20 == 'u':
		quote++
		if at(text, quote, '"') {
			kind, end := identifier(text, quote)
			return t.take(kind, i, end)
		}
		if at(text, quote, '\'') {
			kind, end := unicodeString(text, quote, t.mode)
			return t.take(kind, i, end)
		}
	}
	return t.take(TokenWord, i, span(text, i+1, wordPart))
}

// dot reads ".", ".." or a number that begins with a dot.
func (t *Tokens) dot(i int) Token {
	switch {
	case is(t.text, i+1, digit):
		kind, end := number(t.text, i)
		return t.take(kind, i, end)
	case at(t.text, i+1, '.'):
		return t.take(TokenDot, i, i+2)
	default:
		return t.take(TokenDot, i, i+1)
	}
}

// colon reads ":", "::" or ":=".
func (t *Tokens) colon(i int) Token {
	if at(t.text, i+1, ':') || at(t.text, i+1, '=') {
		return t.take(TokenColon, i, i+2)
	}
	return t.take(TokenColon, i, i+1)
}
