package topology

import (
	"maps"
	"reflect"
	"slices"
	"strings"
)

// SchemaDiff returns the command that makes the schema of next (relations,
// sequences, functions, types) that of old, and whether they differ at all. It
// is decided on old's schema epoch; next's does not matter.
func SchemaDiff(old, next *Database) (SetSchema, bool) {
	c := SetSchema{Database: old.Name, SchemaChange: SchemaChange{OnSchemaEpoch: old.SchemaEpoch}}
	for _, name := range slices.SortedFunc(maps.Keys(next.Relations), compareNames) {
		rel, was := next.Relations[name], old.Relations[name]
		if rel != was && !reflect.DeepEqual(rel, was) {
			c.Changed = append(c.Changed, rel)
		}
	}
	c.Removed = missing(old.Relations, next.Relations, compareNames)
	for _, name := range slices.SortedFunc(maps.Keys(next.Sequences), compareNames) {
		if was, ok := old.Sequences[name]; !ok || was != next.Sequences[name] {
			c.Sequences = append(c.Sequences, next.Sequences[name])
		}
	}
	c.RemovedSequences = missing(old.Sequences, next.Sequences, compareNames)
	c.Functions = missing(next.Functions, old.Functions, strings.Compare)
	c.RemovedFunctions = missing(old.Functions, next.Functions, strings.Compare)
	if !reflect.DeepEqual(old.Types, next.Types) {
		c.Types = &TypesChange{Map: next.Types}
	}
	return c, !c.empty()
}

// missing returns the keys of a that b lacks, in order.
func missing[K comparable, V any](a, b map[K]V, compare func(x, y K) int) []K {
	var keys []K
	for k := range a {
		if _, ok := b[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, compare)
	return keys
}
