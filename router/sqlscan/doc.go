// Package sqlscan is the lexer of the hot path for PostgreSQL: one pass over a
// statement's bytes yields its literal-stripped text (the shape, under which
// plans are cached), a seeded hash of it, the literals by slot, and hint
// comments. It allocates nothing in steady state, its work is linear in the
// length of the text, and it never fails on bytes it does not understand: it
// marks the statement as not strippable and leaves the verdict to the parser
// and the server.
//
//	Scan.Statement -> Shape, Hash -> the plan's template
//	                  Literals    -> AppendKey, EachKey -> keys of this execution
//	AppendParseText -> a text for the parser, on the first sight of a shape
//	Tokens, FindInsert, FindCopy, FindValue -> places for rewriting, off the hot path
//
// # Tokens
//
// Tokens cuts a text where the server's lexer does (manual section 4.1): nested
// comments, strings continued on a later line, dollar quotes, operators that
// end before a comment or a sign. What the server's lexer refuses is a
// TokenInvalid, and so is what its versions read differently, like a word glued
// to a number.
//
// # Shapes
//
// A shape is the sequence of the statement's tokens with comments and white
// space gone, unquoted words folded to lower case, and literals replaced by
// marks. One space stands between two tokens where they would, or could, be cut
// differently without it; this depends on the two tokens alone, so it makes no
// difference how a text was spaced.
//
//	0x05 begins every stripped shape
//	0x01 a literal: the next slot
//	0x02 the literals of IN (1, 2, 3): one slot for all of them
//	0x03 behind a row of VALUES: the text has one row of this form or more
//
// Invariant: two statements with equal shapes differ at most in the values of
// stripped literals, the number of literals in an IN list, and the number of
// consecutive rows of one form in VALUES. It holds because the shape can be cut
// into the same tokens again: marks are bytes that no token outside of quotes
// has, and a statement with such a byte inside of kept quotes is not stripped;
// tokens that could run together are kept apart ("a b", "1 .5", "'a' 'b'",
// "u& "x""); a parameter and a kept literal are written as they are; and the
// shape of a statement that is not stripped, which is the statement itself,
// never begins with a single 0x05.
//
// # What is stripped
//
// A literal is replaced by a mark only where the grammar wants any expression:
// behind an operator, a comma, an opening parenthesis or a reserved word that an
// operand follows, in parentheses that are themselves an operand or enclose the
// arguments of a function. A sign there belongs to the number behind it. It
// follows that all else is kept as it is, so that a template cannot depend on a
// value it does not see:
//
//   - NULL, TRUE, FALSE and DEFAULT, which are words;
//   - numbers that begin an item of ORDER BY, GROUP BY or DISTINCT ON;
//   - type modifiers and array bounds: varchar(10), int[3], current_time(3);
//   - strings with a prefix other than E, and strings behind a name, which are
//     typed literals: date '2020-01-01', interval '1' day;
//   - strings the grammar wants as such: UESCAPE '!', EXTRACT('year' FROM d),
//     the options of EXPLAIN, JSON_TABLE and XMLTABLE;
//   - names of objects: 't'::regclass, the arguments of nextval, set_config and
//     the like;
//   - everything between ON CONFLICT and DO, which chooses the arbiter index;
//   - literals behind words that could also be names: ESCAPE '#', VALUE 5.
//
// Where a literal turns out too late to be part of something else, as in
// mytype(3) 'x', the whole statement is not stripped.
//
// # Rows
//
// Consecutive rows of VALUES whose stripped forms are equal are one row in the
// shape, behind which the mark 0x03 is always written; a row of another form
// begins a new run. The literals of all rows of a run have the slots of its
// first row and stand in Literals in the order of the text. VALUES inside of a
// row is not collapsed, nor are rows inside of an IN list.
//
// # Keys
//
// Scan implements Keys. A literal counts as a key only in the canonical
// spelling of the key's type (package ring); strings count for every type,
// because the server reads them as the column's; numbers count as integers
// only, and only as plain digits: 042, +42 and 4.2e1 are a KeyMismatch.
//
// # Hash
//
// Hash is a keyed hash (hash/maphash) with a random seed per process, so that
// texts whose hashes collide cannot be prepared. It is a hint for a table: a
// cache compares shapes in full.
package sqlscan
