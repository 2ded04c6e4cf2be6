package querytree

// Node is a part of a query tree: a *Statement, a *Query, an Expr or a
// FromItem.
type Node interface{ node() }

func (*Statement) node() {}
func (*Query) node()     {}

func (*TableRef) node()    {}
func (*Join) node()        {}
func (*SubqueryRef) node() {}
func (*FunctionRef) node() {}
func (*UnknownFrom) node() {}

func (*Column) node()    {}
func (*Slot) node()      {}
func (*Param) node()     {}
func (*Null) node()      {}
func (*Literal) node()   {}
func (*Cast) node()      {}
func (*Compare) node()   {}
func (*And) node()       {}
func (*Or) node()        {}
func (*Not) node()       {}
func (*In) node()        {}
func (*AnyArray) node()  {}
func (*ArrayExpr) node() {}
func (*Row) node()       {}
func (*IsNull) node()    {}
func (*Operator) node()  {}
func (*Function) node()  {}
func (*Subquery) node()  {}
func (*Group) node()     {}
func (*Special) node()   {}
func (*Unknown) node()   {}
