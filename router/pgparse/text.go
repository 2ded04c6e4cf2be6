package pgparse

import (
	"strings"
	"unicode/utf8"

	"shardproxy/protocol/sqlerr"
)

// libpg_query is C code on the caller's thread: nobody can cancel it, it has
// no memory limit, and it does not check its stack. So what a text will cost
// is bounded before it is parsed.
const (
	// maxTokens bounds the size of what is parsed: a tree takes about 400
	// bytes a token while it is built. Strings of any length are one token.
	maxTokens = 1 << 19
	// maxRescans bounds what the scanner reads again. At each token it reads
	// to the end of a run of operator characters, so a run of n costs n*n.
	maxRescans = 1 << 25
	// maxMoves bounds the bytes that are moved when the tree is written out:
	// all of it, once for each level it has.
	maxMoves = 1 << 30
	// tokenSize is how many bytes a token takes in a tree that is written out.
	tokenSize = 32
)

// checkText refuses what libpg_query must not see: it would stop at a NUL byte
// and leave the rest unread, its protobuf cannot hold invalid UTF-8, and it
// would overflow its C stack on deep trees, which ends the process.
func checkText(text string) error {
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return sqlerr.InvalidText("the statement", "UTF8")
	}
	tokens, rescans := measureText(text)
	switch {
	case tokens > maxTokens:
		return sqlerr.LimitExceeded("statement is too long to be parsed").
			WithHint("Send the values as parameters or as plain string and number literals, or in several statements.")
	case rescans > maxRescans:
		return sqlerr.LimitExceeded("statement has too long runs of operator characters to be parsed")
	}
	return checkDepth(text, tokens)
}

// checkDepth refuses a text whose tree is too deep. No tree has more levels
// than tokens, so most texts are not looked at.
func checkDepth(text string, tokens int) error {
	size := len(text) + tokens*tokenSize
	isDeep := func(levels int) bool { return levels > maxLevels || levels*size > maxMoves }
	if !isDeep(tokens) {
		return nil
	}
	n, err := levels(text)
	switch {
	case err != nil:
		return parseError(err)
	case isDeep(n):
		return tooDeep()
	}
	return nil
}

// measureText returns at least the number of tokens in the text, and the sum
// of the squares of the lengths of its runs of operator characters. It looks
// at no quotes, so that it cannot be wrong about them: each special character
// counts as a token, as does each run of others.
func measureText(text string) (tokens, rescans int) {
	inWord := false
	run := 0
	for i := range len(text) {
		b := text[i]
		isWord := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b >= utf8.RuneSelf
		isSpace := b == ' ' || b >= '\t' && b <= '\r'
		if !isSpace && !(isWord && inWord) {
			tokens++
		}
		inWord = isWord
		if isOperator(b) {
			run++
			continue
		}
		rescans += run * run
		run = 0
	}
	return tokens, rescans + run*run
}

// isOperator is true for the op_chars of the server's scan.l.
func isOperator(b byte) bool {
	switch b {
	case '~', '!', '@', '#', '^', '&', '|', '`', '?', '+', '-', '*', '/', '%', '<', '>', '=':
		return true
	}
	return false
}
