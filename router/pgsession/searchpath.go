package pgsession

import (
	"strings"
)

// setSearchPath derives the planner's view of search_path.
func (m *machine) setSearchPath() {
	value := m.cfg.searchPath
	if item := m.setting("search_path"); item != nil && item.value != "DEFAULT" {
		value = searchPathOf(item.value)
	}
	user := m.currentUser()
	key := value
	if user != m.cfg.backendUser {
		key += "\x00" + user
	}
	if m.env.SearchPathKey == key && m.env.SearchPath != nil {
		return
	}
	m.env.SearchPathKey = key
	m.env.SearchPath = splitSearchPath(value, user)
}

// currentUser is the role that the session's statements run as: "$user" of a
// search_path.
func (m *machine) currentUser() string {
	if role := m.text("role"); role != "" && role != "none" {
		return role
	}
	if user := m.text("session_authorization"); user != "" {
		return user
	}
	return m.cfg.backendUser
}

// searchPathOf turns the value of SET search_path into the form that SHOW has:
// each value is one schema.
func searchPathOf(value string) string {
	schemas := unquoteList(value)
	for i, schema := range schemas {
		schemas[i] = `"` + strings.ReplaceAll(schema, `"`, `""`) + `"`
	}
	return strings.Join(schemas, ", ")
}

// splitSearchPath splits a search_path as PostgreSQL's SplitIdentifierString
// does, and resolves "$user".
func splitSearchPath(value, user string) []string {
	var path []string
	for _, part := range splitIdentifiers(value) {
		if part == "$user" {
			part = user
		}
		path = append(path, part)
	}
	return path
}

// splitIdentifiers splits a comma-separated list of identifiers, which may be in
// double quotes; others are folded to lower case.
func splitIdentifiers(s string) []string {
	var list []string
	for {
		s = strings.TrimLeft(s, " \t\r\n")
		if s == "" {
			return list
		}
		var name string
		if s[0] == '"' {
			name, s = quotedIdentifier(s[1:])
		} else {
			end := strings.IndexByte(s, ',')
			if end < 0 {
				end = len(s)
			}
			name, s = strings.ToLower(strings.TrimSpace(s[:end])), s[end:]
		}
		if name != "" {
			list = append(list, name)
		}
		comma := strings.IndexByte(s, ',')
		if comma < 0 {
			return list
		}
		s = s[comma+1:]
	}
}

// quotedIdentifier reads up to the closing quote.
func quotedIdentifier(s string) (name, rest string) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '"' {
			if i+1 < len(s) && s[i+1] == '"' {
				i++
			} else {
				return b.String(), s[i+1:]
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), ""
}
