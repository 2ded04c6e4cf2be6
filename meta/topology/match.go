package topology

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"shardproxy/ring"
)

// table returns the rule of a table, by its full name or by its name alone.
func (r *Rules) table(name TableName) (TableRule, bool) {
	if rule, ok := r.Tables[name.String()]; ok {
		return rule, true
	}
	rule, ok := r.Tables[name.Name]
	return rule, ok
}

// listMatch says how well a list names a table.
type listMatch uint8

const (
	noMatch listMatch = iota
	globMatch
	nameMatch
)

// matchList looks for a table in a list of names and globs. An entry is
// compared with the name alone and with schema.name.
func matchList(list []string, name TableName) listMatch {
	best := noMatch
	for _, entry := range list {
		switch {
		case entry == name.Name || entry == name.String():
			return nameMatch
		case matchGlob(entry, name.Name) || matchGlob(entry, name.String()):
			best = globMatch
		}
	}
	return best
}

// matchGlob matches a whole name: * stands for any characters, ? for one.
func matchGlob(glob, name string) bool {
	g, n := []rune(glob), []rune(name)
	gi, ni, star, mark := 0, 0, -1, 0
	for ni < len(n) {
		switch {
		case gi < len(g) && g[gi] == '*':
			star, mark = gi, ni
			gi++
		case gi < len(g) && (g[gi] == '?' || g[gi] == n[ni]):
			gi++
			ni++
		case star >= 0:
			mark++
			gi, ni = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(string(g[gi:]), "*") == ""
}

// namePattern finds the key in a table's name.
type namePattern struct {
	expression *regexp.Regexp
	kind       ring.KeyKind
}

// compilePattern returns the pattern of the rules, or nil without one.
func compilePattern(rules Rules) *namePattern {
	expression, err := regexp.Compile(rules.TablePattern)
	if err != nil || rules.TablePattern == "" {
		return nil
	}
	return &namePattern{expression: expression, kind: cmp.Or(rules.PatternKind, ring.KindProject)}
}

// key returns what the pattern captures in the table's name. An empty capture
// is no key.
func (p *namePattern) key(name TableName) (string, bool) {
	m := p.expression.FindStringSubmatch(name.Name)
	if len(m) != 2 || m[1] == "" {
		return "", false
	}
	return m[1], true
}

// keyTypeOfName: a name that carries an integer in its canonical spelling is
// the same key as an integer column's; anything else is text.
func keyTypeOfName(key string) ring.KeyType {
	if n, err := strconv.ParseInt(key, 10, 64); err == nil && strconv.FormatInt(n, 10) == key {
		return ring.KeyInt
	}
	return ring.KeyText
}
