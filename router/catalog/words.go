package catalog

import (
	"slices"
	"strings"
)

// plainWords are the functions, types and keywords of default expressions whose
// value is the same wherever and in whatever session they are evaluated, but
// for time and chance.
const plainWords = ` and array as ascii abs at bigint bit boolean bytea ceil ceiling char character chr clock_timestamp
concat current_timestamp date_part decode decimal div double encode epoch extract
false floor from gen_random_bytes gen_random_uuid get_byte int integer left length lower lpad ltrim md5 microseconds
milliseconds mod not now null numeric octet_length or overlay pow power precision random real regexp_replace repeat
replace reverse right round rpad rtrim second set_byte sha224 sha256 sha384 sha512 sign smallint split_part
statement_timestamp strpos substr substring text time timestamp to_hex transaction_timestamp translate trim true trunc
uuid uuid_generate_v1 uuid_generate_v1mc uuid_generate_v4 uuidv4 uuidv7 varying with without zone `

// firstUnknownWord returns the first word of an expression, written by the
// server, that may make its value depend on the session or on rows; "" when
// there is none. functions are the user-defined functions that the expression
// calls, by qualified name: whoever judges functions judges them. Those of
// extensions must be known by name; their schema may be any.
func firstUnknownWord(expression string, functions, ofExtensions []string) string {
	known := make(map[string]bool)
	for _, f := range functions {
		for part := range strings.SplitSeq(f, ".") {
			known[part] = true
		}
	}
	for _, f := range ofExtensions {
		schema, _, _ := strings.Cut(f, ".")
		known[schema] = true
	}
	for _, word := range words(expression) {
		if !known[word] && !isPlainWord(word) {
			return word
		}
	}
	return ""
}

func isPlainWord(word string) bool {
	return slices.Contains(strings.Fields(plainWords), strings.ToLower(word))
}

// words returns the names in an expression: identifiers with and without
// quotes, but neither literals nor numbers.
func words(expression string) []string {
	var found []string
	for i := 0; i < len(expression); {
		c := expression[i]
		switch {
		case c == '\'':
			i = skipQuoted(expression, i, i > 0 && (expression[i-1] == 'E' || expression[i-1] == 'e'))
		case c == '"':
			end := skipQuoted(expression, i, false)
			found = append(found, strings.ReplaceAll(strings.Trim(expression[i:end], `"`), `""`, `"`))
			i = end
		case isWordByte(c):
			end := i
			for end < len(expression) && isWordByte(expression[end]) {
				end++
			}
			isPrefix := end-i == 1 && end < len(expression) && expression[end] == '\''
			if (c < '0' || c > '9') && !isPrefix {
				found = append(found, expression[i:end])
			}
			i = end
		default:
			i++
		}
	}
	return found
}

// skipQuoted returns the index behind the quoted text that starts at i. A
// doubled quote is part of it, and so is one behind a backslash where those
// escape.
func skipQuoted(s string, i int, backslash bool) int {
	quote := s[i]
	for i++; i < len(s); i++ {
		switch {
		case backslash && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

func isWordByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}
