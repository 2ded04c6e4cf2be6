package querytree

// QueryKind tells what a query level does.
type QueryKind uint8

// The kinds of query levels.
const (
	QuerySelect QueryKind = iota + 1
	QueryValues
	QuerySetOp // Left SetOp Right
	QueryInsert
	QueryUpdate
	QueryDelete
	QueryMerge
)

// Query is one query level.
type Query struct {
	Kind QueryKind
	With []CTE

	// Select, Update (FROM), Delete (USING), Merge (USING).
	Targets []Target
	From    []FromItem
	Where   Expr

	Distinct   bool
	DistinctOn []Expr
	GroupBy    []Expr
	// GroupingSets is set for ROLLUP, CUBE and GROUPING SETS.
	GroupingSets bool
	Having       Expr
	OrderBy      []OrderKey
	Limit        Expr
	Offset       Expr
	HasWindow    bool
	Locking      bool // FOR UPDATE and its weaker forms
	Into         bool // SELECT INTO
	// IntoTable is the table that SELECT INTO makes.
	IntoTable *RelationName
	// GroupDistinct is GROUP BY DISTINCT.
	GroupDistinct bool
	// WindowExprs are the expressions of the WINDOW clause.
	WindowExprs []Expr
	// WithTies is FETCH FIRST ... WITH TIES; Limit holds the count.
	WithTies bool
	// Locked are the from items of FOR UPDATE OF; nil: all of the level.
	Locked []string

	// QuerySetOp.
	SetOp       string // "union", "intersect", "except"
	SetAll      bool
	Left, Right *Query

	// QueryValues, and the rows of an INSERT ... VALUES.
	Rows [][]Expr

	// Insert, Update, Delete, Merge.
	Target    *TableRef
	Columns   []string // INSERT column list; nil where absent
	Source    *Query   // INSERT ... SELECT or VALUES; nil for DEFAULT VALUES
	Set       []Assignment
	Returning []Target
	Conflict  *Conflict
	// Overriding is set where the INSERT says OVERRIDING ... VALUE.
	// OverridingUser tells OVERRIDING USER VALUE: the values given for
	// identity columns do not count, the database makes others.
	Overriding     bool
	OverridingUser bool
	// Partial is set where Columns names a part of a column: (a[1], b.c).
	// Subscripts are the expressions in the brackets.
	Partial    bool
	Subscripts []Expr
	// CurrentOf is the cursor of WHERE CURRENT OF; Where is then an Unknown.
	CurrentOf string
	// Merge.
	MergeOn    Expr
	MergeWhens []MergeWhen
}

// CTE is one WITH query.
type CTE struct {
	Name      string
	Columns   []string
	Query     *Query
	Recursive bool
	// Extra are the columns that SEARCH and CYCLE add; Marks are the constants
	// of CYCLE.
	Extra []string
	Marks []Expr
}

// Target is one output column.
type Target struct {
	Name string // AS name, or ""
	Expr Expr
}

// Assignment is one SET column = value.
type Assignment struct {
	Column string
	Value  Expr // nil where the value cannot be told apart: (a, b) = (SELECT ...)
	// Source is the right side of such a multi-column assignment. It is held
	// by the first of its columns only.
	Source Expr
	// Partial is set where a part of the column is assigned: a[1] = 2, a.b = 2.
	// Subscripts are the expressions in the brackets.
	Partial    bool
	Subscripts []Expr
}

// OrderKey is one ORDER BY item.
type OrderKey struct {
	Expr       Expr
	Descending bool
	NullsFirst Tristate
	// Using is the operator of ORDER BY x USING <, with its schema before it
	// where that is not pg_catalog.
	Using string
}

// Conflict is the ON CONFLICT (or ON DUPLICATE KEY) tail of an INSERT.
type Conflict struct {
	// Columns infer the arbiter; Constraint names it. Both empty: any.
	Columns    []string
	Expression bool // the inference has an expression or a predicate
	// Exprs are the inference's expressions, Predicate its WHERE.
	Exprs      []Expr
	Predicate  Expr
	Constraint string
	DoNothing  bool
	Set        []Assignment
	Where      Expr
	// Replace is MySQL's REPLACE: a conflicting row is deleted first.
	Replace bool
}

// MergeWhen is one WHEN clause of a MERGE.
type MergeWhen struct {
	Matched bool
	// BySource is WHEN NOT MATCHED BY SOURCE: it acts on rows of the target.
	BySource  bool
	Condition Expr
	Action    QueryKind // QueryInsert, QueryUpdate, QueryDelete, or 0 for DO NOTHING
	Columns   []string
	Values    []Expr
	Set       []Assignment
	// The following are those of an INSERT.
	Overriding     bool
	OverridingUser bool
	Partial        bool
	Subscripts     []Expr
}

// RelationName is a table's name as written, folded, without quotes.
type RelationName struct{ Catalog, Schema, Name string }

// FromItem is something in FROM: *TableRef, *Join, *SubqueryRef, *FunctionRef
// or *UnknownFrom.
type FromItem interface {
	Node
	fromItem()
}

// TableRef names a table, view or CTE.
type TableRef struct {
	Name    RelationName
	Alias   string
	Columns []string // column aliases
	Only    bool
	Sample  bool
	// SampleMethod and SampleArgs are those of TABLESAMPLE; the seed of
	// REPEATABLE is the last argument.
	SampleMethod string
	SampleArgs   []Expr
}

// JoinKind is the type of a join.
type JoinKind uint8

// The kinds of joins.
const (
	InnerJoin JoinKind = iota + 1
	LeftJoin
	RightJoin
	FullJoin
	CrossJoin
)

// Join joins two from items.
type Join struct {
	Kind        JoinKind
	Left, Right FromItem
	On          Expr
	Using       []string
	Natural     bool
	Alias       string
	Columns     []string // column aliases
	// UsingAlias is JOIN ... USING (...) AS alias.
	UsingAlias string
	Lateral    bool // the right side is LATERAL
}

// SubqueryRef is a derived table.
type SubqueryRef struct {
	Query   *Query
	Alias   string
	Columns []string
	Lateral bool
}

// FunctionRef is a function in FROM (also JSON_TABLE, XMLTABLE, UNNEST).
type FunctionRef struct {
	// Calls holds one call, or those of ROWS FROM. JSON_TABLE and XMLTABLE are
	// a Group.
	Calls   []Expr
	Alias   string
	Columns []string // column aliases, or the names of a column definition list
	Lateral bool
	// Ordinality is WITH ORDINALITY: one column more, a counter.
	Ordinality bool
}

// UnknownFrom is a from item the parser could not express.
type UnknownFrom struct{ What string }

func (*TableRef) fromItem()    {}
func (*Join) fromItem()        {}
func (*SubqueryRef) fromItem() {}
func (*FunctionRef) fromItem() {}
func (*UnknownFrom) fromItem() {}
