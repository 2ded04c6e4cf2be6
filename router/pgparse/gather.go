package pgparse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"shardproxy/router/querytree"
)

// finds is what is found in a part of a statement whose structure does not
// matter.
type finds struct {
	constants bool // take constants, too
	relations []querytree.RelationName
	exprs     []querytree.Expr
	parts     []*querytree.Statement
}

// gather finds the relations, expressions and statements in a message, at any
// depth, in the order of the message's fields. Because it looks into every
// field, it misses nothing in whatever the grammar puts there.
func (c *converter) gather(f *finds, m proto.Message) {
	c.gatherMessage(f, m.ProtoReflect())
}

func (c *converter) gatherFields(f *finds, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		if field.Message() == nil || !m.Has(field) {
			continue
		}
		if !field.IsList() {
			c.gatherMessage(f, m.Get(field).Message())
			continue
		}
		list := m.Get(field).List()
		for j := range list.Len() {
			c.gatherMessage(f, list.Get(j).Message())
		}
	}
}

func (c *converter) gatherMessage(f *finds, m protoreflect.Message) {
	switch v := m.Interface().(type) {
	case *pg.Node:
		c.gatherNode(f, v)
	case *pg.RangeVar:
		f.relations = append(f.relations, relation(v))
	case *pg.FuncCall:
		f.exprs = append(f.exprs, c.call(v))
	case *pg.TypeName:
		if !plainModifiers(v) {
			f.exprs = append(f.exprs, oddModifier())
		}
	case *pg.SelectStmt:
		c.gatherNode(f, &pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: v}})
	default:
		c.gatherFields(f, m)
	}
}

func (c *converter) gatherNode(f *finds, n *pg.Node) {
	if n.GetAConst() != nil && !f.constants {
		return
	}
	if !c.enter() {
		return // the text is refused
	}
	defer c.leave()
	if isPart(n) {
		f.parts = append(f.parts, c.statement(n))
		return
	}
	if e := c.knownExpr(n); e != nil {
		f.exprs = append(f.exprs, e)
		return
	}
	if m := content(n); m != nil {
		c.gatherMessage(f, m)
	}
}

// content is the message in a node; nil where there is none.
func content(n *pg.Node) protoreflect.Message {
	m := n.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().Get(0))
	if field == nil {
		return nil
	}
	return m.Get(field).Message()
}

// isPart is true for a statement inside a statement. SET in the options of a
// function, RETURN in its body and REPLICA IDENTITY are called statements, but
// are parts of one.
func isPart(n *pg.Node) bool {
	switch n.GetNode().(type) {
	case *pg.Node_VariableSetStmt, *pg.Node_ReturnStmt, *pg.Node_ReplicaIdentityStmt:
		return false
	}
	return strings.HasSuffix(nodeName(n), "Stmt")
}

// nodeName is what PostgreSQL calls the node.
func nodeName(n *pg.Node) string {
	if m := content(n); m != nil {
		return string(m.Descriptor().Name())
	}
	return "nothing"
}
