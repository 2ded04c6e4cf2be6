// Package catalog reads what PostgreSQL nodes say of themselves and turns it
// into the parts of a topology.Database: relations with their rules resolved,
// type OIDs, functions, sequences, and the owners of the partitions.
//
// The main flow, when the proxy starts (Load) and after DDL (Reload):
//
//	Nodes.Open    a connection to every node, checked (Preflight)
//	Read          one Snapshot per node
//	Seed          Load only: which node owns which partition, judged by the rows
//	              (and then the nodes are adopted, see Options.Adoption)
//	Build         the snapshots compared and the rules resolved
//	Stride        ids made unique over the nodes
//
// The home node's snapshot is canonical. What the nodes that own partitions
// disagree about is refused, named by table and node; a node that owns nothing
// yet only causes a Problem.
//
// The package changes nothing on a node but sequences, and the proxy's own schema
// where Options.Adoption asks for it. It never reads or writes through
// search_path: every name is qualified and quoted. Nothing here is on the way of a
// statement.
package catalog
