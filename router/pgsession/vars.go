package pgsession

import (
	"sort"
	"strings"
)

// vars is an immutable set of session settings, as a client asked for them.
// Two sets are equal exactly when their keys are.
type vars struct {
	items []variable // sorted by name
	key   string
}

// variable is one setting. Value is the right-hand side of SET as SQL text:
// one or more quoted literals. Reported is the value as the server would report
// it with ParameterStatus; empty where it does not report this setting.
type variable struct{ name, value, reported string }

// noVars is the set of a client that changed nothing.
func noVars() *vars { return &vars{} }

// newVars makes a set of items, which it keeps; a later item of the same name
// replaces an earlier one.
func newVars(items []variable) *vars {
	sort.SliceStable(items, func(i, j int) bool { return items[i].name < items[j].name })
	kept := items[:0]
	for _, item := range items {
		if n := len(kept); n > 0 && kept[n-1].name == item.name {
			kept[n-1] = item
			continue
		}
		kept = append(kept, item)
	}
	var key strings.Builder
	for _, item := range kept {
		key.WriteString(item.name)
		key.WriteByte('=')
		key.WriteString(item.value)
		key.WriteByte(0)
	}
	return &vars{items: kept, key: key.String()}
}

// get returns the setting of that name, or nil.
func (v *vars) get(name string) *variable {
	i := sort.Search(len(v.items), func(i int) bool { return v.items[i].name >= name })
	if i < len(v.items) && v.items[i].name == name {
		return &v.items[i]
	}
	return nil
}

// with returns the set with one setting changed.
func (v *vars) with(item variable) *vars {
	if old := v.get(item.name); old != nil && *old == item {
		return v
	}
	items := append(make([]variable, 0, len(v.items)+1), v.items...)
	return newVars(append(items, item))
}

// without returns the set with name not set.
func (v *vars) without(name string) *vars {
	if v.get(name) == nil {
		return v
	}
	items := make([]variable, 0, len(v.items))
	for _, item := range v.items {
		if item.name != name {
			items = append(items, item)
		}
	}
	return newVars(items)
}

// equal reports whether both sets hold the same settings.
func (v *vars) equal(other *vars) bool { return v == other || v.key == other.key }

// custom reports whether the set has a setting of the application's own
// ("app.tenant"): the server never forgets such a name once it has seen it.
func (v *vars) custom() bool {
	for _, item := range v.items {
		if strings.Contains(item.name, ".") && !ours(item.name) {
			return true
		}
	}
	return false
}

// appendDifference appends the SET and RESET commands that take a session from
// one set to another, and reports whether one of them changes names, rights or
// rows, so that it must have succeeded before a query may follow.
func appendDifference(dst []byte, from, to *vars) (sql []byte, confirm bool) {
	i, j := 0, 0
	for i < len(from.items) || j < len(to.items) {
		switch {
		case j == len(to.items) || (i < len(from.items) && from.items[i].name < to.items[j].name):
			name := from.items[i].name
			i++
			if ours(name) {
				continue
			}
			dst = appendReset(dst, name)
			confirm = confirm || mustConfirm(name)
		case i == len(from.items) || to.items[j].name < from.items[i].name:
			item := to.items[j]
			j++
			if ours(item.name) {
				continue
			}
			dst = appendSet(dst, item)
			confirm = confirm || mustConfirm(item.name)
		default:
			item := to.items[j]
			if from.items[i].value != item.value && !ours(item.name) {
				dst = appendSet(dst, item)
				confirm = confirm || mustConfirm(item.name)
			}
			i++
			j++
		}
	}
	return dst, confirm
}

func appendSet(dst []byte, item variable) []byte {
	dst = append(dst, "SET "...)
	dst = appendVariableName(dst, item.name)
	dst = append(dst, " TO "...)
	dst = append(dst, item.value...)
	return append(dst, ';')
}

func appendReset(dst []byte, name string) []byte {
	dst = append(dst, "RESET "...)
	dst = appendVariableName(dst, name)
	return append(dst, ';')
}

// appendVariableName writes a setting's name; the parts of a custom name are
// quoted, since they may be keywords.
func appendVariableName(dst []byte, name string) []byte {
	for i, part := range strings.Split(name, ".") {
		if i > 0 {
			dst = append(dst, '.')
		}
		dst = append(dst, '"')
		dst = append(dst, strings.ReplaceAll(part, `"`, `""`)...)
		dst = append(dst, '"')
	}
	return dst
}

// ours reports whether a setting is the proxy's own and never sent to a server.
func ours(name string) bool { return strings.HasPrefix(name, "shardproxy.") }

// mustConfirm reports whether a query must not be sent before the server has
// confirmed this setting. Only settings that cannot change what a statement
// reads, writes or may do travel in the same write as the query.
func mustConfirm(name string) bool {
	switch name {
	case "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout",
		"transaction_timeout", "application_name", "extra_float_digits":
		return false
	}
	return true
}

// quoteLiteral writes s as a SQL string constant that means the same under
// either value of standard_conforming_strings.
func quoteLiteral(s string) string {
	quoted := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}
