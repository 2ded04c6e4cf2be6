package admin

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// mergeRules are the rules that a document makes of those there are, and what
// differs.
func mergeRules(db *topology.Database, doc *DatabaseDocument) (topology.Rules, []Difference, error) {
	before, after := db.Rules, db.Rules
	if p := doc.KeyOrder; p != nil {
		after.KeyOrder = kinds(*p)
	}
	if p := doc.KeyColumns; p != nil {
		after.KeyColumns = make(map[ring.KeyKind][]string, len(*p))
		for kind, columns := range *p {
			after.KeyColumns[ring.KeyKind(kind)] = columns
		}
	}
	replace(&after.NullKey, doc.NullKey)
	replace(&after.TablePattern, doc.TablePattern)
	mergePatternKind(&after, doc.TablePatternKind)
	if p := doc.Tables; p != nil {
		after.Tables = make(map[string]topology.TableRule, len(*p))
		for name, t := range *p {
			after.Tables[name] = topology.TableRule{
				Key: ring.KeyKind(t.Key), Column: t.Column, NullKey: t.NullKey,
				Triggers: t.Triggers, Unique: t.Unique, ForeignKeys: t.ForeignKeys,
			}
		}
	}
	replace(&after.Reference, doc.Reference)
	replace(&after.Global, doc.Global)
	replace(&after.Functions, doc.Functions)
	if err := after.Validate(); err != nil {
		return before, nil, newProblem(CodeInvalid, fmt.Sprintf("database %s: %s", db.Name, err))
	}
	return after, diffRules("database "+db.Name+": ", &before, &after), nil
}

// mergePatternKind keeps what goes with the pattern: no pattern has no kind,
// and one without a kind carries projects.
func mergePatternKind(rules *topology.Rules, kind *string) {
	switch {
	case rules.TablePattern == "":
		rules.PatternKind = ""
	case kind != nil:
		rules.PatternKind = ring.KeyKind(*kind)
	case rules.PatternKind == "":
		rules.PatternKind = ring.KindProject
	}
}

func replace[T any](what *T, by *T) {
	if by != nil {
		*what = *by
	}
}

func kinds(names []string) []ring.KeyKind {
	list := make([]ring.KeyKind, len(names))
	for i, name := range names {
		list[i] = ring.KeyKind(name)
	}
	return list
}

func diffRules(what string, before, after *topology.Rules) []Difference {
	var d differ
	d.changed(what+"key_order", joined(before.KeyOrder), joined(after.KeyOrder))
	diffMaps(&d, what+"key_columns.", before.KeyColumns, after.KeyColumns, joined)
	d.changed(what+"null_key", before.NullKey, after.NullKey)
	d.changed(what+"table_pattern", before.TablePattern, after.TablePattern)
	d.changed(what+"table_pattern_kind", string(before.PatternKind), string(after.PatternKind))
	diffMaps(&d, what+"tables.", before.Tables, after.Tables, ruleText)
	diffSets(&d, what+"reference", before.Reference, after.Reference)
	diffSets(&d, what+"global", before.Global, after.Global)
	diffMaps(&d, what+"functions.", before.Functions, after.Functions, func(value string) string { return value })
	return d.found
}

func joined[S ~string](names []S) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = string(name)
	}
	return strings.Join(texts, ",")
}

// ruleText is the rule of a table on one line.
func ruleText(rule topology.TableRule) string {
	var parts []string
	part := func(name, value string) {
		if value != "" {
			parts = append(parts, name+"="+value)
		}
	}
	part("key", string(rule.Key))
	part("column", rule.Column)
	part("null_key", rule.NullKey)
	part("triggers", rule.Triggers)
	part("unique", joined(rule.Unique))
	part("foreign_keys", joined(rule.ForeignKeys))
	if len(parts) == 0 {
		return "by convention"
	}
	return strings.Join(parts, " ")
}

// diffMaps notes the entries that differ, by name.
func diffMaps[K ~string, V any](d *differ, what string, before, after map[K]V, text func(V) string) {
	names := slices.Concat(slices.Collect(maps.Keys(before)), slices.Collect(maps.Keys(after)))
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		old, was := before[name]
		now, is := after[name]
		switch {
		case !was:
			d.add(Difference{Op: OpAdd, What: what + string(name), After: text(now)})
		case !is:
			d.add(Difference{Op: OpRemove, What: what + string(name), Before: text(old)})
		default:
			d.changed(what+string(name), text(old), text(now))
		}
	}
}

// diffSets notes what is in one list only; order means nothing there.
func diffSets(d *differ, what string, before, after []string) {
	for _, name := range slices.Compact(slices.Sorted(slices.Values(after))) {
		if !slices.Contains(before, name) {
			d.add(Difference{Op: OpAdd, What: what, After: name})
		}
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(before))) {
		if !slices.Contains(after, name) {
			d.add(Difference{Op: OpRemove, What: what, Before: name})
		}
	}
}
