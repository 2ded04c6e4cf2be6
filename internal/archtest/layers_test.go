package archtest

// table is the table of docs/architecture.md, top layer first. A package
// belongs to the entry that names it; "x/*" stands for everything below x that
// has no entry of its own.
func table() architecture {
	return architecture{
		module: "shardproxy",
		layers: []layer{
			{5, []string{"cmd/shardproxy", "cmd/shardctl", "cmd/shardbench"}, "bench, integration: import anything, imported by nobody"},
			{4, []string{"router", "rebalance", "admin"}, "no arrows between these three"},
			{3, []string{"router/pgsession", "router/mysession", "meta"}, ""},
			{2, []string{"router/plan", "router/backend", "router/catalog", "router/gate", "protocol/pgstartup", "rebalance/*"}, ""},
			{1, []string{"router/sqlscan", "router/pgparse", "router/copyrow", "protocol/pgwire", "meta/topology"}, ""},
			{0, []string{"ring", "protocol/sqlerr", "router/querytree", "internal/*"}, ""},
		},
		roots: []string{"bench", "integration"},
		forbidden: []arrow{
			// The data plane is tested without Raft, and Raft without SQL: each
			// declares the interface it needs and cmd/shardproxy plugs it in.
			{"router", "meta"},
			{"router/*", "meta"},
			{"rebalance", "meta"},
			{"rebalance/*", "meta"},
			{"admin", "meta"},
			{"meta", "router/*"},
		},
		pure: []string{"ring", "meta/topology", "router/sqlscan", "router/querytree", "router/plan"},
		excused: []arrow{
			// A flag's value may be a duration, and values that hold secrets say
			// how they are logged. A test of the package looks at what it uses.
			{"meta/topology", "time"},
			{"meta/topology", "log/slog"},
		},
		impure: []string{
			"time", "math/rand", "math/rand/v2", "crypto/rand",
			"log", "log/slog", "net", "net/*", "os", "os/*", "syscall",
		},
	}
}

// architecture is what the packages of a module may import.
type architecture struct {
	module string
	// layers: a package may import packages of lower layers only, and those of
	// its own "x/*" entry.
	layers []layer
	// roots may import anything; nobody imports them. They may have packages
	// below them.
	roots []string
	// forbidden arrows, although they would go down.
	forbidden []arrow
	// pure packages import none of the impure ones: no clock, no log, no
	// network, no chance.
	pure, impure []string
	// excused imports of pure packages.
	excused []arrow
}

type layer struct {
	number  int
	entries []string
	remark  string
}

type arrow struct{ from, to string }
