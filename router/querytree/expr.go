package querytree

// Expr is an expression: one of the pointer types of this file.
type Expr interface {
	Node
	expr()
}

// Column is a column reference. Star is t.* or *.
type Column struct {
	Qualifier []string // schema, table; as written, folded
	Name      string
	Star      bool
}

// Slot is a literal of the original text, by its slot number in the scan. A
// list slot stands for all values of a literal list: IN (1, 2, 3).
type Slot struct {
	N    int
	List bool
}

// Param is a parameter of the client, counted from 1.
type Param struct{ N int }

// Null is the word NULL.
type Null struct{}

// Literal is a constant that was not stripped (TRUE, DEFAULT, ordinals, typed
// literals). Text is its spelling.
type Literal struct {
	Text    string
	Default bool // the word DEFAULT
	String  bool // a string constant; Text is its value
	Integer bool // an integer constant; Text is its digits
}

// Cast is value::type. Type is the type's name as the server spells it
// ("int8", "text", "pg_catalog.int4" without the schema), Array for type[];
// Modified where a modifier was given: varchar(3).
type Cast struct {
	Value    Expr
	Type     string
	Array    bool
	Modified bool
}

// Compare is Left Op Right for = < > <= >= <>, and any other binary operator
// with boolean result. Only the built-in "=" binds keys; an operator written
// OPERATOR(schema.op) with a schema other than pg_catalog is an Operator.
type Compare struct {
	Op          string
	Left, Right Expr
}

// And and Or hold two or more terms. Not negates one.
type (
	And struct{ Terms []Expr }
	Or  struct{ Terms []Expr }
	Not struct{ Term Expr }
)

// In is Left IN (List...) or, with Not, NOT IN.
type In struct {
	Left Expr
	List []Expr
	Not  bool
}

// AnyArray is Left = ANY (array); All for ALL; Op is the operator, with its
// schema before it where that is not pg_catalog. LIKE is "~~" here.
type AnyArray struct {
	Left  Expr
	Op    string
	Array Expr
	All   bool
}

// ArrayExpr is ARRAY[...].
type ArrayExpr struct{ Elements []Expr }

// Row is (a, b, ...).
type Row struct{ Elements []Expr }

// IsNull is Value IS NULL, or IS NOT NULL with Not.
type IsNull struct {
	Value Expr
	Not   bool
}

// Operator is any other operator: arithmetic, LIKE, BETWEEN, IS DISTINCT FROM.
type Operator struct {
	Name     string // "+", "like", "between", "is distinct from"
	Schema   string // of OPERATOR(schema.op), "" or "pg_catalog" when built in
	Operands []Expr
}

// Function is a function call. Keyword functions that the server looks up by
// name in pg_catalog have that schema: EXTRACT, SUBSTRING, AT TIME ZONE
// ("timezone"), LIKE ... ESCAPE ("like_escape"), JSON_ARRAYAGG.
type Function struct {
	Schema, Name string // folded
	Args         []Expr
	Star         bool // count(*)
	Distinct     bool
	Filter       Expr
	OrderBy      []OrderKey
	WithinGroup  bool
	Over         bool // a window function
	OverExprs    []Expr
	// Variadic: the last argument is an array that stands for the rest.
	Variadic bool
}

// SubqueryKind says how a subquery is used in an expression.
type SubqueryKind uint8

// The kinds of expression subqueries.
const (
	Exists      SubqueryKind = iota + 1
	AnySubquery              // Test Op ANY (query), also IN
	AllSubquery              // Test Op ALL (query), also NOT IN under Not
	Scalar
	ArraySubquery
)

// Subquery is a query inside an expression. Op is spelled as in AnyArray.
type Subquery struct {
	Kind  SubqueryKind
	Test  Expr
	Op    string
	Query *Query
}

// Group is an expression whose parts are visible but whose meaning does not
// matter to the planner. What is "case", "coalesce", "nullif", "greatest",
// "least", "collate", "subscript", "field", "expand" ((a).*), "named argument",
// "is true" and its like, "grouping", "rollup", "cube", "grouping sets", "empty
// grouping set", or the keyword of an SQL/JSON or SQL/XML function.
type Group struct {
	What  string
	Parts []Expr
}

// Special is a keyword function: current_user, current_timestamp, ...
type Special struct{ Name string }

// Unknown is an expression that the parser could not express. A statement
// that holds one is refused unless a hint places it.
type Unknown struct{ What string }

func (*Column) expr()    {}
func (*Slot) expr()      {}
func (*Param) expr()     {}
func (*Null) expr()      {}
func (*Literal) expr()   {}
func (*Cast) expr()      {}
func (*Compare) expr()   {}
func (*And) expr()       {}
func (*Or) expr()        {}
func (*Not) expr()       {}
func (*In) expr()        {}
func (*AnyArray) expr()  {}
func (*ArrayExpr) expr() {}
func (*Row) expr()       {}
func (*IsNull) expr()    {}
func (*Operator) expr()  {}
func (*Function) expr()  {}
func (*Subquery) expr()  {}
func (*Group) expr()     {}
func (*Special) expr()   {}
func (*Unknown) expr()   {}
