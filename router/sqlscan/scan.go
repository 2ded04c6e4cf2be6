package sqlscan

import "shardproxy/ring"

// Mode is the lexer state that a session's settings decide.
type Mode uint8

// The bits of a Mode.
const (
	// BackslashStrings: ordinary strings know backslash escapes
	// (PostgreSQL: standard_conforming_strings = off).
	BackslashStrings Mode = 1 << iota
)

// LiteralKind is what a literal looked like.
type LiteralKind uint8

// The kinds of literals.
const (
	Integer      LiteralKind = iota + 1 // 42, -42: digits only, sign included in the span
	Number                              // 5.5, 1e3, 0x1F, 1_000
	String                              // 'x'
	EscapeString                        // E'x', or any string under BackslashStrings with a backslash
	DollarString                        // $$x$$
)

// Literal is one stripped literal.
type Literal struct {
	Start, End int32 // its span in the scanned text, quotes and sign included
	Slot       int32
	Kind       LiteralKind
}

// Span is a part of the scanned text.
type Span struct{ Start, End int32 }

// Scan is the result of scanning one statement. It is reused from statement to
// statement; its slices are valid until the next call of Statement. The
// scanned text must not change while the Scan is used.
type Scan struct {
	// Text is the text the spans point into (not owned).
	Text []byte
	// Shape is the literal-stripped text with one marker byte per slot:
	// comments dropped, white space folded. Equal shapes have equal plans. It
	// is a key, not a text: AppendParseText makes a text of it.
	Shape []byte
	// Hash is a seeded hash of Shape. It differs from process to process.
	Hash     uint64
	Literals []Literal
	// Hints are the bodies of /* shardproxy: ... */ comments, without the name
	// and the white space around them.
	Hints []Span
	// Span is the span of the statement, comments included, without white space
	// before it and the closing semicolon; End is where the next statement of
	// the text starts.
	Span Span
	End  int32
	// Empty: nothing but white space and comments.
	Empty bool
	// Strippable is set for SELECT, INSERT, UPDATE, DELETE, MERGE, VALUES,
	// TABLE, WITH and EXPLAIN of these, unless the statement has something that
	// the lexer does not understand. For all others Shape is the statement's own
	// bytes, without comments before it, and Literals is empty.
	Strippable bool
	// Slots is the number of slots in Shape.
	Slots int

	slots []slot
	shaper
	decoded  []byte // a literal's value, where it is not part of Text
	elements elementBuffers
}

// shaper is the state of a scan.
type shaper struct {
	tokens  Tokens
	frames  []frame // the open frames around top
	top     frame   // the innermost one
	run     run
	latest  latest
	scratch []byte

	last    glue    // the token before, for spacing
	prev    keyword // the token before, for meaning
	expect  bool    // an operand must follow
	operand bool    // the token before may be called or subscripted
	failed  bool    // the statement cannot be stripped
}

// KeyState says what a literal or parameter is worth as a shard key.
type KeyState uint8

// The states of a key value.
const (
	KeyOK       KeyState = iota + 1
	KeyNull              // NULL: equals nothing
	KeyMismatch          // not the canonical spelling of a value of the key's type
)

// Keys yields the canonical key bytes of values. Literals (Scan) and bound
// parameters (the protocol's Bind) implement it; slots count from 0,
// parameters from 1.
type Keys interface {
	// AppendKey appends the canonical bytes of value n as a key of type t.
	AppendKey(dst []byte, n int, t ring.KeyType) ([]byte, KeyState)
	// EachKey calls yield for each element of a list slot or an array value
	// until yield returns false. It reports KeyMismatch where the value is no
	// list, and KeyNull where the whole array is NULL.
	EachKey(n int, t ring.KeyType, yield func(canonical []byte, state KeyState) bool) KeyState
}
