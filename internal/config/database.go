package config

import "time"

// Database is what clients name in their DSN: its nodes and where rows go.
type Database struct {
	// Engine is postgres (default) or mysql.
	Engine string `yaml:"engine" default:"postgres" oneof:"postgres,mysql"`
	// Partitions is the number of slices of the hash space, a power of two;
	// default 4096. It cannot change once rows exist.
	Partitions int    `yaml:"partitions" default:"4096" min:"1" max:"65536"`
	Nodes      []Node `yaml:"nodes"`
	Pool       Pool   `yaml:"pool"`
	// KeyOrder is the order in which conventions look for a shard key; default
	// user, project, collection.
	KeyOrder []string `yaml:"key_order" default:"user,project,collection"`
	// KeyColumns adds names of key columns to the conventions, by key kind.
	KeyColumns map[string][]string `yaml:"key_columns"`
	// NullKey says what a NULL key means for tables placed by convention:
	// empty (refused; default) or replicated (the row is on every node).
	NullKey string `yaml:"null_key" default:"" oneof:",replicated"`
	// TablePattern is a regular expression with one group: the key that the
	// table's name carries. Empty: none.
	TablePattern string `yaml:"table_pattern" default:""`
	// TablePatternKind is the key kind of TablePattern; default project.
	TablePatternKind string `yaml:"table_pattern_kind" default:"project"`
	// Tables are rules by table name, with or without schema.
	Tables map[string]Table `yaml:"tables"`
	// Reference tables have a full copy on every node. Names or patterns with *.
	Reference []string `yaml:"reference"`
	// Global tables live on the home node. Names or patterns with *.
	Global []string `yaml:"global"`
	// Functions declares user-defined functions: pure ones read no table.
	Functions map[string]string `yaml:"functions"`
	// Stride is the distance between generated ids of one node, and with it the
	// largest number of nodes; default 1024 (64 on 32-bit columns).
	Stride int `yaml:"stride" default:"1024" min:"2" max:"65536"`
}

// Node is a database server that holds rows.
type Node struct {
	Name string `yaml:"name"`
	// DSN is a URL, for the application's role.
	DSN DSN `yaml:"dsn"`
	// AdminDSN is a URL for a role that may read catalogs and change
	// sequences; default: DSN.
	AdminDSN DSN `yaml:"admin_dsn"`
	// Weight is the node's share of the rows against the others'; default 1.
	Weight int `yaml:"weight" default:"1" min:"1" max:"1000"`
}

// Pool limits the connections to one node, per database and user.
type Pool struct {
	// Min connections are kept; default 2.
	Min int `yaml:"min" default:"2" min:"0" max:"100000"`
	// Max connections exist at most; default 20.
	Max int `yaml:"max" default:"20" min:"1" max:"100000"`
	// QueueTimeout is how long a client waits for a connection; default 10s.
	QueueTimeout time.Duration `yaml:"queue_timeout" default:"10s" min:"1ms" max:"24h"`
	// MaxQueue is how many clients wait for a connection at most; default 0: as
	// many as there are.
	MaxQueue int `yaml:"max_queue" default:"0" min:"0" max:"1000000"`
	// Lifetime is when a connection is replaced, give or take a tenth; default
	// 1h. 0s: never.
	Lifetime time.Duration `yaml:"lifetime" default:"1h" min:"0s" max:"8760h"`
	// IdleTimeout is when a connection above Min is closed; default 10m. 0s:
	// never.
	IdleTimeout time.Duration `yaml:"idle_timeout" default:"10m" min:"0s" max:"8760h"`
	// Session keeps one backend per node for a client's whole session; default
	// false.
	Session bool `yaml:"session" default:"false"`
}

// Table is the rule of one table.
type Table struct {
	// Key is the key kind the table is placed by; empty: by convention.
	Key string `yaml:"key" default:""`
	// Column holds the key; empty: the column the kind's conventions find.
	Column string `yaml:"column" default:""`
	// NullKey is empty (a NULL key is refused; default) or replicated.
	NullKey string `yaml:"null_key" default:"" oneof:",replicated"`
	// Triggers is empty (writes are refused where triggers exist; default) or
	// local: the triggers touch rows of the same key only.
	Triggers string `yaml:"triggers" default:"" oneof:",local"`
	// Unique lists unique indexes without the shard key that may be unique per
	// node only.
	Unique []string `yaml:"unique"`
	// ForeignKeys lists foreign keys that do not join equal shard keys and may
	// hold per node only.
	ForeignKeys []string `yaml:"foreign_keys"`
}
