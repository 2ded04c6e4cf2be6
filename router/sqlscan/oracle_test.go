package sqlscan

import (
	"regexp"
	"strings"
	"testing"

	pgquery "github.com/pganalyze/pg_query_go/v6"
	"pgregory.net/rapid"
)

var numericEscape = regexp.MustCompile(`\\[uUx0-7]`)

// serverTokens returns the spans of the tokens that PostgreSQL's own lexer
// finds; ok is false where it refuses the text.
func serverTokens(text string) (spans []Span, ok bool) {
	result, err := pgquery.Scan(text)
	if err != nil {
		return nil, false
	}
	for _, tok := range result.Tokens {
		switch tok.Token {
		case pgquery.Token_SQL_COMMENT, pgquery.Token_C_COMMENT:
			continue
		}
		spans = append(spans, Span{tok.Start, tok.End})
	}
	return spans, true
}

// ourTokens is serverTokens with Tokens. What the server's lexer hands to the
// parser for it to refuse is invalid for us at once: a lone backslash, or a
// number or parameter to which another is glued. Then comparable is false.
func ourTokens(text string) (spans []Span, ok, comparable bool) {
	tokens := NewTokens([]byte(text), 0, 0)
	comparable = true
	for {
		tok := tokens.Next()
		word := text[tok.Start:tok.End]
		switch tok.Kind {
		case TokenEnd:
			return spans, true, comparable
		case TokenInvalid:
			return nil, false, tok.End-tok.Start > 1 && !strings.Contains(word, "$")
		case TokenPrefixString:
			if word[0]|0x20 == 'n' {
				spans = append(spans, Span{int32(tok.Start), int32(tok.Start + 1)})
				tok.Start++
			}
			fallthrough
		case TokenString, TokenEscapeString:
			// The parser's copy of the lexer knows no comment in a continuation.
			// And it checks the escapes at once.
			comparable = comparable && !strings.Contains(word, "--") && !numericEscape.MatchString(word)
		}
		spans = append(spans, Span{int32(tok.Start), int32(tok.End)})
	}
}

func sameTokens(t interface{ Fatalf(string, ...any) }, text string) {
	want, wantOK := serverTokens(text)
	got, gotOK, comparable := ourTokens(text)
	if !comparable {
		return
	}
	if gotOK != wantOK {
		t.Fatalf("%q: the server accepts: %v, we: %v", text, wantOK, gotOK)
	}
	if len(want) != len(got) {
		t.Fatalf("%q: the server has tokens %v, we %v", text, want, got)
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("%q: token %d: the server has %v, we %v", text, i, want, got)
		}
	}
}

// Tokens cuts texts where PostgreSQL's lexer cuts them.
func TestTokensAreTheServers(t *testing.T) {
	for _, text := range append(corpus(t), workload(t)...) {
		sameTokens(t, text)
	}
	pieces := rapid.SampledFrom([]string{
		"'", "'", "''", `"`, "$", "$$", "$a$", "$1", "a", "e", "E", "x", "b", "n", "u&", "U&", "_", "é",
		"0", "1", "9", ".", "..", "0x", "0b1", "1_0", "e+", "-", "--", "+", "/", "*", "/*", "*/", "@", "<", ">", "=", "!", "~", "?", "%", "|",
		":", "::", ":=", ";", ",", "(", ")", "[", "]", "\\", "\n", "\r", "\t", " ", " ",
	})
	rapid.Check(t, func(t *rapid.T) {
		sameTokens(t, strings.Join(rapid.SliceOfN(pieces, 1, 12).Draw(t, "pieces"), ""))
	})
}
