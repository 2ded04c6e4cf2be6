package pgsession

import (
	"slices"
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

// applicationName is the setting that connections of the proxy's own have, too;
// the only one that servers report when it is empty.
const applicationName = "application_name"

// isReported reports whether servers tell clients of the setting.
func (v *variable) isReported() bool { return v.reported != "" || v.name == applicationName }

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

// with returns the set with some settings changed.
func (v *vars) with(items ...variable) *vars {
	changes := func(item variable) bool {
		old := v.get(item.name)
		return old == nil || *old != item
	}
	if !slices.ContainsFunc(items, changes) {
		return v
	}
	return newVars(slices.Concat(v.items, items))
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

// identity are the settings that say who a session acts as, in the order in
// which they are set: the second depends on the first, and all others may need
// rights that these do not have.
var identity = [...]string{"session_authorization", "role"}

func isIdentity(name string) bool { return slices.Contains(identity[:], name) }

// appendDifference appends the SET and RESET commands that take a session from
// one set to another, and reports whether one of them changes names, rights or
// rows, so that it must have succeeded before a query may follow.
func appendDifference(dst []byte, from, to *vars) (sql []byte, confirm bool) {
	from.difference(to, func(name string, _ *variable) { confirm = confirm || mustConfirm(name) })
	for _, name := range slices.Backward(identity[:]) {
		if confirm && from.get(name) != nil {
			dst = appendReset(dst, name)
		}
	}
	from.difference(to, func(name string, item *variable) {
		switch {
		case isIdentity(name):
		case item == nil:
			dst = appendReset(dst, name)
		default:
			dst = appendSet(dst, *item)
		}
	})
	for _, name := range identity {
		if item := to.get(name); confirm && item != nil {
			dst = appendSet(dst, *item)
		}
	}
	return dst, confirm
}

// difference yields the settings of servers in which to differs; nil: it does
// not have this one.
func (v *vars) difference(to *vars, yield func(name string, item *variable)) {
	i, j := 0, 0
	for i < len(v.items) || j < len(to.items) {
		var name string
		var item *variable
		switch {
		case j == len(to.items) || i < len(v.items) && v.items[i].name < to.items[j].name:
			name = v.items[i].name
			i++
		case i == len(v.items) || to.items[j].name < v.items[i].name:
			item = &to.items[j]
			name = item.name
			j++
		default:
			item = &to.items[j]
			if v.items[i].value != item.value {
				name = item.name
			}
			i++
			j++
		}
		if name != "" && !ours(name) {
			yield(name, item)
		}
	}
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

// keySetting is the setting that says the shard key of statements without one.
const keySetting = "shardproxy.key"

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
