package topology_test

import (
	"strings"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

func public(name string) topology.TableName { return topology.TableName{Schema: "public", Name: name} }

// col describes a column as "name type", with words for what it has: "serial"
// (an id from a sequence), "random" (a random uuid by default), "notnull",
// "generated".
func col(spec string) topology.ColumnSchema {
	words := strings.Fields(spec)
	c := topology.ColumnSchema{
		Column: topology.Column{Name: words[0], Type: words[1]}, Declared: words[1],
	}
	switch c.Type {
	case "int2", "int4", "int8":
		c.KeyType = ring.KeyInt
	case "uuid":
		c.KeyType = ring.KeyUUID
	case "text":
		c.KeyType = ring.KeyText
	default:
		c.KeyProblem = "it has type " + c.Type
	}
	for _, word := range words[2:] {
		switch word {
		case "serial":
			c.HasDefault = true
			c.Sequence = public("seq_" + c.Name)
			c.Draw = topology.Draw{Kind: topology.DrawSequence, Sequence: `"public"."seq_` + c.Name + `"`}
		case "random":
			c.HasDefault, c.Random = true, true
			c.Draw = topology.Draw{Kind: topology.DrawUUID}
		case "notnull":
			c.NotNull = true
		case "generated":
			c.Generated = true
		}
	}
	return c
}

// table describes an ordinary table of schema public. Specs of columns are
// separated by commas; "pk a b", "unique a b" and "fk a -> t b" are constraints.
func table(name, spec string) topology.TableSchema {
	t := topology.TableSchema{Name: public(name), Kind: topology.OrdinaryTable}
	for part := range strings.SplitSeq(spec, ",") {
		words := strings.Fields(part)
		switch words[0] {
		case "pk":
			t.Uniques = append([]topology.IndexSchema{index(name+"_pkey", true, words[1:])}, t.Uniques...)
		case "unique":
			t.Uniques = append(t.Uniques, index(name+"_"+strings.Join(words[1:], "_")+"_key", false, words[1:]))
		case "fk":
			t.ForeignKeys = append(t.ForeignKeys, foreignKey(name, words[1:]))
		default:
			t.Columns = append(t.Columns, col(part))
		}
	}
	return t
}

func index(name string, primary bool, columns []string) topology.IndexSchema {
	i := topology.IndexSchema{Name: name, Primary: primary}
	for _, c := range columns {
		if c == "expression" {
			c = ""
		}
		i.Columns = append(i.Columns, topology.IndexColumn{Name: c, Exact: true})
	}
	return i
}

func foreignKey(name string, words []string) topology.ForeignKey {
	fk := topology.ForeignKey{Name: name + "_" + words[0] + "_fkey"}
	arrow := 0
	for i, w := range words {
		if w == "->" {
			arrow = i
		}
	}
	fk.Columns, fk.Parent, fk.ParentColumns = words[:arrow], public(words[arrow+1]), words[arrow+2:]
	return fk
}

func tableRules(name string, rule topology.TableRule) topology.Rules {
	return topology.Rules{Tables: map[string]topology.TableRule{name: rule}}
}
