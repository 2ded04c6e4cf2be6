package pgparse

import (
	"strings"
	"unicode/utf8"

	"shardproxy/protocol/sqlerr"
)

// maxTokens bounds the size of what is parsed: a tree takes about 400 bytes a
// token while it is built. Strings of any length are one token.
const maxTokens = 1 << 19

// checkText refuses what libpg_query must not see: it would stop at a NUL byte
// and leave the rest unread, its protobuf cannot hold invalid UTF-8, and it
// would overflow its C stack on deep trees, which ends the process.
func checkText(text string) error {
	if strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text) {
		return sqlerr.InvalidText("the statement", "UTF8")
	}
	tokens := tokenBound(text)
	if tokens > maxTokens {
		return sqlerr.LimitExceeded("statement is too long to be parsed").
			WithHint("Send the values as parameters or as plain string and number literals, or in several statements.")
	}
	if tokens > maxLevels && levels(text) > maxLevels {
		return tooDeep()
	}
	return nil
}

// tokenBound returns at least the number of tokens in the text. It looks at
// no quotes, so that it cannot be wrong about them: each special character
// counts one, as does each run of others.
func tokenBound(text string) int {
	n := 0
	inWord := false
	for i := range len(text) {
		switch b := text[i]; {
		case b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b >= utf8.RuneSelf:
			if !inWord {
				n++
			}
			inWord = true
		case b == ' ' || b >= '\t' && b <= '\r':
			inWord = false
		default:
			n++
			inWord = false
		}
	}
	return n
}
