package sqlscan

// class says which kind of token a byte begins.
type class uint8

const (
	classOther    class = iota // begins no token: control bytes, \ { }
	classSpace                 // scan.l: space
	classWord                  // a letter, an underscore or a byte from 0x80 on
	classPrefix                // a letter that may be a prefix of a quoted thing
	classDigit                 // 0 to 9
	classQuote                 // '
	classDouble                // "
	classDollar                // $
	classDot                   // .
	classColon                 // :
	classPunct                 // ( ) [ ] , ;
	classOperator              // scan.l: op_chars
)

// property is a set of facts about a byte inside of a token.
type property uint8

const (
	wordStart property = 1 << iota // scan.l: ident_start
	wordPart                       // scan.l: ident_cont
	digit
	upper    // an ASCII letter that folds to lower case
	space    // scan.l: space
	operator // scan.l: op_chars
	special  // an operator byte that lets an operator end in + or -
	sign     // + or -
)

// The tables of PostgreSQL's lexer (src/backend/parser/scan.l). They are
// written once, here, and only read afterwards.
var (
	classes    = classTable()
	properties = propertyTable()
	folded     = foldTable()
)

const (
	spaceBytes    = " \t\n\r\f\v"
	operatorBytes = "~!@#^&|`?+-*/%<>="
	specialBytes  = "~!@#^&|`?%"
	punctBytes    = "()[],;"
	prefixBytes   = "bBeEnNuUxX"
)

func classTable() (t [256]class) {
	set := func(bytes string, c class) {
		for i := range len(bytes) {
			t[bytes[i]] = c
		}
	}
	for c := range t {
		if isWordStart(byte(c)) {
			t[c] = classWord
		}
	}
	for c := '0'; c <= '9'; c++ {
		t[c] = classDigit
	}
	set(prefixBytes, classPrefix)
	set(spaceBytes, classSpace)
	set(punctBytes, classPunct)
	set(operatorBytes, classOperator)
	set("'", classQuote)
	set(`"`, classDouble)
	set("$", classDollar)
	set(".", classDot)
	set(":", classColon)
	return t
}

func propertyTable() (t [256]property) {
	set := func(bytes string, p property) {
		for i := range len(bytes) {
			t[bytes[i]] |= p
		}
	}
	for c := range t {
		if isWordStart(byte(c)) {
			t[c] |= wordStart | wordPart
		}
	}
	for c := '0'; c <= '9'; c++ {
		t[c] |= digit | wordPart
	}
	for c := 'A'; c <= 'Z'; c++ {
		t[c] |= upper
	}
	set("$", wordPart)
	set(spaceBytes, space)
	set(operatorBytes, operator)
	set(specialBytes, special)
	set("+-", sign)
	return t
}

func foldTable() (t [256]byte) {
	for c := range t {
		t[c] = byte(c)
		if 'A' <= c && c <= 'Z' {
			t[c] = byte(c) | 0x20
		}
	}
	return t
}

func isWordStart(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

// is reports whether byte i of text exists and has one of the properties.
func is(text []byte, i int, p property) bool {
	return i < len(text) && properties[text[i]]&p != 0
}

// at reports whether byte i of text exists and is c.
func at(text []byte, i int, c byte) bool { return i < len(text) && text[i] == c }

// span returns the first index from i on whose byte has none of the
// properties.
func span(text []byte, i int, p property) int {
	for i < len(text) && properties[text[i]]&p != 0 {
		i++
	}
	return i
}
