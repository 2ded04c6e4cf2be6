package topology

import (
	"fmt"
	"slices"
	"strings"
)

// checkTable finds what the nodes could not keep whole in one table, its
// partitions included: unique indexes, triggers, and code that may read rows of
// other nodes.
func (r *resolver) checkTable(t *TableSchema, rel *Relation) {
	if rel.Placement == System {
		return
	}
	parts := r.descendants(t.Name)
	r.checkTriggers(rel, append([]*TableSchema{t}, parts...))
	if rel.Placement == View {
		return
	}
	for i := range t.Uniques {
		r.checkUnique(t, rel, &t.Uniques[i])
	}
	for _, part := range parts {
		for i := range part.Uniques {
			if !part.Uniques[i].Inherited {
				r.checkUnique(part, rel, &part.Uniques[i])
			}
		}
	}
	r.checkDefaults(t, rel)
	r.checkChecks(rel, append([]*TableSchema{t}, parts...))
	r.checkPolicies(t, rel)
}

// checkTriggers sets HasTriggers unless every trigger is known to touch only
// the row it fires for.
func (r *resolver) checkTriggers(rel *Relation, tables []*TableSchema) {
	var found []string
	for _, t := range tables {
		if r.ruleOf(t).Triggers == localTriggers {
			continue
		}
		for _, trigger := range t.Triggers {
			if trigger.Function != "" && !r.pure(trigger.Function) {
				found = append(found, fmt.Sprintf("trigger %q", trigger.Name))
			}
		}
		for _, name := range t.RowRules {
			found = append(found, fmt.Sprintf("rule %q", name))
		}
	}
	if len(found) == 0 {
		return
	}
	rel.HasTriggers = true
	rel.warn(fmt.Sprintf("%s may touch rows of other nodes: writes to the table are refused until its rule says that they do not: tables: {%s: {triggers: local}}",
		strings.Join(found, " and "), rel.Name))
}

// checkDefaults refuses INSERTs where a default calls a function that may read
// other tables, or where it depends on the node. It warns of ids that may
// repeat.
func (r *resolver) checkDefaults(t *TableSchema, rel *Relation) {
	local := r.ruleOf(t).Triggers == localTriggers
	for i := range t.Columns {
		c := &t.Columns[i]
		if c.DefaultsDiffer {
			rel.Refusals = append(rel.Refusals, Refusal{
				Writes: WriteInsert,
				Reason: fmt.Sprintf("the nodes have different defaults of column %q", c.Name),
				Hint:   "Give the column the same default on all nodes, with ALTER TABLE through the proxy.",
			})
		}
		if rel.Placement == Sharded && c.Name != rel.Key.Column && c.SequenceProblem != "" {
			rel.warn(fmt.Sprintf("numbers of column %q may repeat on other nodes: %s", c.Name, c.SequenceProblem))
		}
		for _, f := range c.DefaultFunctions {
			if !local && !r.pure(f) {
				rel.refuseCode(WriteInsert, fmt.Sprintf("the default of column %q calls function %s", c.Name, f), f)
			}
		}
	}
}

// checkChecks does so for CHECK constraints and generated columns.
func (r *resolver) checkChecks(rel *Relation, tables []*TableSchema) {
	for _, t := range tables {
		if r.ruleOf(t).Triggers == localTriggers {
			continue
		}
		for _, f := range t.CheckFunctions {
			if !r.pure(f) {
				rel.refuseCode(WriteInsert|WriteUpdate, fmt.Sprintf("a check or generated column of %s calls function %s", t.Name, f), f)
			}
		}
	}
}

func (rel *Relation) refuseCode(writes Writes, what, function string) {
	rel.Refusals = append(rel.Refusals, Refusal{
		Writes: writes,
		Reason: what + ", which may read or change rows of other nodes",
		Hint:   fmt.Sprintf("If it touches nothing but its arguments, declare it: functions: {%s: pure}.", function),
	})
	rel.warn(fmt.Sprintf("%s, which may read or change rows of other nodes: %s is refused until it is declared: functions: {%s: pure}", what, writes, function))
}

// checkPolicies refuses a table whose row-level security looks into rows that
// may be on other nodes: its answers would depend on the node.
func (r *resolver) checkPolicies(t *TableSchema, rel *Relation) {
	if rel.Placement == Refused || r.ruleOf(t).Triggers == localTriggers {
		return
	}
	for _, p := range t.Policies {
		local := !slices.ContainsFunc(p.Functions, func(f string) bool { return !r.pure(f) }) &&
			!slices.ContainsFunc(p.Reads, func(n TableName) bool {
				other := r.relations[n]
				return other == nil || other.Placement != Reference && other.Placement != System
			})
		if !local {
			rel.refuse(rel.Source, fmt.Sprintf("policy %q reads other tables or calls functions, and would see the rows of one node only; if that is enough: tables: {%s: {triggers: local}}", p.Name, t.Name))
			return
		}
	}
}

// pure says whether the operator declared a function to touch nothing but its
// arguments. Functions are named "schema.name" or "name".
func (r *resolver) pure(function string) bool {
	_, name, _ := strings.Cut(function, ".")
	return r.rules.Functions[function] == pureFunction || name != "" && r.rules.Functions[name] == pureFunction
}
