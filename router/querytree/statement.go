// Package querytree is the small, engine-neutral query tree that the planner
// works on. router/pgparse builds it from PostgreSQL's parser, the MySQL plane
// builds it from Vitess's. It keeps only what decides where rows are; whatever
// a parser could not express in it is an Unknown node, which the planner
// refuses to see through.
//
// The tree is built from the literal-stripped text (router/sqlscan): a literal
// is a Slot, a parameter of the client is a Param.
package querytree

// StatementKind is the kind of a statement.
type StatementKind uint8

// The kinds of statements.
const (
	Unsupported StatementKind = iota // parsed, but nothing we can place: Statement.Tag names it

	// Queries: Statement.Query is set.
	Select
	Insert
	Update
	Delete
	Merge

	// Wrappers: Statement.Inner or Statement.Query is set.
	Explain       // Inner; Options.Analyze decides whether it counts as a write
	DeclareCursor // Query, Name; WithHold
	CreateTableAs // Query (also SELECT INTO)
	Prepare       // Inner, Name: SQL-level PREPARE
	Execute       // Name: SQL-level EXECUTE
	Deallocate    // Name ("" = ALL)
	Copy          // CopySpec

	// Transaction control.
	Begin
	Commit
	Rollback
	Savepoint
	ReleaseSavepoint
	RollbackTo
	PrepareTransaction // two-phase commands of the client: refused
	SetTransaction

	// Session state.
	// Set has a Setting. SET SESSION CHARACTERISTICS is a Set of the name "session
	// characteristics" with its options in Transaction.
	Set
	Reset    // Setting; Name "" = ALL
	Show     // Setting.Name
	Discard  // Name: "all", "plans", "sequences" or "temp"
	Listen   // Name
	Unlisten // Name ("" = all)
	Notify   // Name, Payload

	// Cursors.
	Fetch // Name
	CloseCursor

	// Statements on tables without a query of their own.
	DDL        // Tag is the command ("CREATE TABLE"); Relations are those it names
	Truncate   // Relations
	LockTable  // Relations
	Maintain   // VACUUM, ANALYZE, REINDEX, CLUSTER, REFRESH: Relations
	Privileges // GRANT, REVOKE, roles
	Call       // CALL and DO: code we cannot see; CALL's function is in Exprs
	Checkpoint

	// SetConstraints is SET CONSTRAINTS; Names are the constraints (nil: ALL),
	// Transaction.Deferrable says DEFERRED.
	SetConstraints
)

// Statement is one parsed statement.
type Statement struct {
	Kind StatementKind
	// Tag is the command in upper case, as in CommandComplete where it has
	// one: "CREATE TABLE".
	Tag   string
	Query *Query
	Inner *Statement
	Name  string

	Transaction Transaction
	Setting     Setting
	Copy        *CopySpec
	// Relations are the relations that a statement names without reading them:
	// what it creates, changes or drops, and what that refers to (parents,
	// tables of foreign keys, owners of sequences).
	Relations []RelationName
	// DDL tells more about DDL, Privileges, Maintain, Truncate and
	// CreateTableAs; nil for the others.
	DDL *DDLSpec
	// Exprs are expressions outside of queries: defaults, checks, index
	// expressions, arguments of EXECUTE and CALL.
	Exprs []Expr
	// Parts are statements inside a statement: elements of CREATE SCHEMA,
	// actions of a rule, the body of an SQL function.
	Parts []*Statement
	// Names are names that are not relations: the roles of a GRANT, the
	// constraints of SET CONSTRAINTS.
	Names []RelationName
	// Payload is the payload of NOTIFY.
	Payload string

	// Start and End are the statement's byte offsets in the parsed text,
	// without the semicolon and white space around it. Comments before the
	// statement belong to it.
	Start, End int

	// Analyze: EXPLAIN ANALYZE executes its statement.
	Analyze bool
	// WithHold: a cursor that outlives its transaction.
	WithHold bool
	// Temporary: the DDL makes a temporary object, or names one in pg_temp (pins
	// the session).
	Temporary bool
	// InTransaction is false for commands that refuse to run in a transaction
	// block (VACUUM, CREATE DATABASE, CREATE INDEX CONCURRENTLY).
	InTransaction bool
}

// Transaction holds the options of Begin, SetTransaction, Commit and Rollback.
type Transaction struct {
	Isolation  string // "", "read committed", "repeatable read", "serializable", "read uncommitted"
	ReadOnly   Tristate
	Deferrable Tristate
	Chain      bool
	// Other: options that are none of the above (SET TRANSACTION SNAPSHOT).
	Other string
}

// Tristate is an option that may be left unsaid.
type Tristate uint8

// The values of a Tristate.
const (
	Unsaid Tristate = iota
	No
	Yes
)

// Setting is a SET, RESET or SHOW.
type Setting struct {
	Name string // lower case; "" with Reset means ALL
	// Values are the literals or words after TO, unquoted, in order.
	Values []string
	// Quoted says for each value whether it was a string literal.
	Quoted  []bool
	Default bool // SET x TO DEFAULT
	Local   bool
	// FromCurrent is SET x FROM CURRENT.
	FromCurrent bool
}

// CopySpec is a COPY statement.
type CopySpec struct {
	Relation RelationName
	Columns  []string
	Query    *Query // COPY (query) TO
	From     bool   // COPY FROM
	// Stdio is set for STDIN and STDOUT; files and programs are refused.
	Stdio bool
	// Program is set for COPY ... PROGRAM, File for a file's name.
	Program bool
	File    string
	// Options are in lower case: format, delimiter, null, header, quote, escape,
	// encoding, freeze ... An option without a value has the value "true". The
	// columns of force_null and its like are quoted names joined by commas, or
	// "*".
	Options map[string]string
	Where   Expr
}
