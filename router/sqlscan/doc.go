// Package sqlscan is the lexer of the hot path: one pass over a statement's
// bytes yields its literal-stripped text (the shape, under which plans are
// cached), a seeded hash of it, the literals by slot, and hint comments. It
// allocates nothing in steady state and never fails on bytes it does not
// understand: it marks the statement as not strippable and leaves the verdict
// to the parser.
package sqlscan
