package querytree

import (
	"strconv"
	"strings"
)

func dumpStatement(s *Statement) *block {
	b := &block{text: s.Tag + " (" + s.Kind.String() + ")"}
	b.some("name", s.Name)
	b.flag("analyze", s.Analyze)
	b.flag("with hold", s.WithHold)
	b.flag("temporary", s.Temporary)
	b.flag("not in a transaction block", !s.InTransaction)
	b.some("payload", s.Payload)
	dumpTransaction(b, s.Transaction)
	dumpSetting(b, s.Setting)
	b.some("names", relationNames(s.Names))
	b.some("relations", relationNames(s.Relations))
	if s.DDL != nil {
		dumpDDL(b, s.DDL)
	}
	if s.Copy != nil {
		dumpCopy(b, s.Copy)
	}
	for _, e := range s.Exprs {
		b.line("expression", dumpExpr(e))
	}
	if s.Query != nil {
		b.add(dumpQuery(s.Query))
	}
	if s.Inner != nil {
		b.part("inner", dumpStatement(s.Inner))
	}
	for _, part := range s.Parts {
		b.part("part", dumpStatement(part))
	}
	return b
}

func dumpTransaction(b *block, t Transaction) {
	b.some("isolation", t.Isolation)
	b.some("read only", t.ReadOnly.dump())
	b.some("deferrable", t.Deferrable.dump())
	b.flag("chain", t.Chain)
	b.some("other", t.Other)
}

func dumpSetting(b *block, t Setting) {
	b.some("setting", t.Name)
	for i, v := range t.Values {
		if i < len(t.Quoted) && t.Quoted[i] {
			v = strconv.Quote(v)
		}
		b.line("value", v)
	}
	b.flag("default", t.Default)
	b.flag("local", t.Local)
	b.flag("from current", t.FromCurrent)
}

func dumpCopy(b *block, c *CopySpec) {
	direction := "to"
	if c.From {
		direction = "from"
	}
	if c.Relation.Name != "" {
		b.line("table", c.Relation.dump(), columnNames(c.Columns))
	}
	b.line(direction, word("stdio", c.Stdio), word("program", c.Program), word(strconv.Quote(c.File), c.File != ""))
	b.some("options", dumpOptions(c.Options))
	b.some("where", dumpExpr(c.Where))
	if c.Query != nil {
		b.add(dumpQuery(c.Query))
	}
}

func (a Action) dump() string {
	return map[Action]string{
		ActionCreate: "create", ActionAlter: "alter", ActionDrop: "drop", ActionRename: "rename",
		ActionSetSchema: "set schema", ActionSetOwner: "set owner", ActionComment: "comment",
		ActionGrant: "grant", ActionRevoke: "revoke", ActionTruncate: "truncate",
		ActionMaintain: "maintain", ActionRefresh: "refresh",
	}[a]
}

func dumpDDL(b *block, d *DDLSpec) {
	inner := b.line("ddl", d.Action.dump(), d.Object, relationNames(d.Names))
	inner.flag("if exists", d.IfExists)
	inner.flag("if not exists", d.IfNotExists)
	inner.flag("or replace", d.OrReplace)
	inner.flag("cascade", d.Cascade)
	inner.flag("concurrently", d.Concurrently)
	inner.some("column", d.Column)
	inner.some("new name", d.NewName)
	inner.some("new schema", d.NewSchema)
	for i := range d.Columns {
		inner.line("column", dumpDefinition(&d.Columns[i]))
	}
	for i := range d.Constraints {
		inner.line("constraint", dumpConstraint(&d.Constraints[i]))
	}
	inner.some("parents", relationNames(d.Parents))
	inner.some("like", relationNames(d.Like))
	inner.flag("partition of", d.PartitionOf)
	inner.some("partition by", idents(d.PartitionBy))
	for i := range d.Changes {
		inner.add(dumpChange(&d.Changes[i]))
	}
	inner.some("options", dumpOptions(d.Options))
}

func dumpDefinition(c *ColumnDefinition) string {
	out := ident(c.Name)
	if c.Type != "" {
		out += " " + dumpType(c.Type, c.Array, c.Modified)
	}
	out += word(" not null", c.NotNull) + word(" generated", c.Generated) + word(" identity "+c.Identity, c.Identity != "")
	if c.Default != nil {
		out += " default " + dumpExpr(c.Default)
	}
	if c.Sequence != nil {
		out += " sequence (" + dumpOptions(c.Sequence) + ")"
	}
	return out
}

func dumpConstraint(c *Constraint) string {
	parts := []string{c.Kind}
	if c.Name != "" {
		parts = append(parts, ident(c.Name))
	}
	if c.Columns != nil {
		parts = append(parts, columnNames(c.Columns))
	}
	if c.Predicate {
		parts = append(parts, "partial")
	}
	if c.References != nil {
		parts = append(parts, "references "+c.References.dump()+columnNames(c.RefColumns))
	}
	if c.UsingIndex != "" {
		parts = append(parts, "using index "+ident(c.UsingIndex))
	}
	return strings.Join(parts, " ")
}

func dumpChange(c *Change) *block {
	name := ""
	if c.Name != "" {
		name = ident(c.Name)
	}
	b := &block{text: strings.TrimRight(c.Kind+" "+name, " ") + word(" if exists", c.IfExists) + word(" cascade", c.Cascade)}
	if c.Definition != nil {
		b.line("column", dumpDefinition(c.Definition))
	}
	b.some("using", dumpExpr(c.Using))
	if c.Constraint != nil {
		b.line("constraint", dumpConstraint(c.Constraint))
	}
	b.some("options", dumpOptions(c.Options))
	return b
}
