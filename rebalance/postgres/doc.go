// Package postgres is what adding and removing a node asks of a PostgreSQL
// server. It knows servers, not the topology's history: who may join, and when,
// is decided by package rebalance.
//
//	Tools, Dump    the schema of a database as a script, by pg_dump
//	Restore        such a script in one transaction, or rehearsed and undone
//	ReadObjects    what a database consists of, to be compared (Compare)
//	ReadFacts      settings and rights that matter to a node
//	Occupied       tables that have rows, counted
//	Sizes          how many rows tables hold, estimated, and their bytes
//	Counter        where a sequence has to go on
//
// Connections are the caller's. They must come from catalog.Nodes, whose
// settings (search_path, row_security, DateStyle ...) the texts compared here
// depend on. Nothing here starts a goroutine; programs that are run end with
// their context.
package postgres
