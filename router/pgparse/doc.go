// Package pgparse turns the trees of PostgreSQL's own parser (libpg_query)
// into the engine-neutral query trees of router/querytree.
//
// The conversion is complete and honest: whatever a statement holds is found
// in its query tree in the place that says what it does, or in a place that
// only says that it is there (querytree.Group, Statement.Exprs), or the tree
// has an Unknown node. Nothing is dropped, because an expression that the
// planner cannot see could hide a table or a function.
//
//	text -> checkText -> libpg_query -> protobuf -> converter -> querytree
//
// The package refuses texts that are no valid UTF-8 or hold a NUL byte, and
// texts nested so deeply that the C code would overflow its stack: libpg_query
// does not check its stack, and an overflow there would end the process.
package pgparse
