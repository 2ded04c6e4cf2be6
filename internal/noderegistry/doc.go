// Package noderegistry is what a PostgreSQL node keeps about the proxy, in the
// schema shardproxy of its database:
//
//	version   of the schema
//	node      one row: which node of which cluster this database is, and the
//	          oldest epoch it accepts connections of (min_epoch)
//	session   the connections that have registered: process, start, peer,
//	          incarnation, epoch (unlogged)
//	register  the function by which a connection registers
//
// The main flow:
//
//	Check, Adopt   once per start, by the administrative role: the schema is
//	               made and the database told which node it is
//	Register       the first statement of each connection to the node
//	CutOff         before a change of routing: min_epoch is raised, and the
//	               sessions of peers that did not acknowledge the change end
//
// A registration is refused (*Refusal) by a database that is no node, another
// node, or a copy of one; when its epoch is below min_epoch; through a
// connection pooler; by a standby. So neither swapped addresses nor a restored
// dump nor a stopped peer that wakes up can reach rows by an old topology.
//
// Invariant: a session whose registration has committed is seen by every later
// CutOff as long as its process lives, and one that registers after a CutOff
// has an epoch of at least the one that was asked for.
//
// A connection that has not registered holds nothing the proxy has planned, so
// CutOff lets it be. It ends no prepared transactions: who changes routing looks
// for them.
//
// The package knows plain types only, starts no goroutine and holds no
// connection. DESIGN.md says why each race ends well.
package noderegistry
