package pgsession

import (
	"strings"

	"shardproxy/router/querytree"
)

// settingValue is the right-hand side of SET with every value quoted, which
// means the same for all settings.
func settingValue(s *querytree.Setting) string {
	if s.Default {
		return "DEFAULT"
	}
	quoted := make([]string, len(s.Values))
	for i, v := range s.Values {
		quoted[i] = quoteLiteral(v)
	}
	return strings.Join(quoted, ", ")
}

// unquoteList splits the right-hand side of a SET that settingValue made.
func unquoteList(value string) []string {
	var list []string
	for len(value) > 0 {
		start := strings.IndexByte(value, '\'')
		if start < 0 {
			break
		}
		escaped := start > 0 && value[start-1] == 'E'
		rest := value[start+1:]
		var b strings.Builder
		i := 0
		for ; i < len(rest); i++ {
			if rest[i] == '\'' {
				if i+1 < len(rest) && rest[i+1] == '\'' {
					i++
				} else {
					break
				}
			} else if escaped && rest[i] == '\\' && i+1 < len(rest) {
				i++
			}
			b.WriteByte(rest[i])
		}
		list = append(list, b.String())
		if i >= len(rest) {
			break
		}
		value = rest[i+1:]
	}
	return list
}

// isOff reports whether a boolean setting, which servers report, is false: given
// as any of the words that they take for it, or by the server's default.
func (m *machine) isOff(name string) bool {
	text := m.text(name)
	if text == "" {
		text = m.startupValue(name)
	}
	text = strings.ToLower(strings.TrimSpace(text))
	return text == "0" || text != "" &&
		(strings.HasPrefix("false", text) || strings.HasPrefix("no", text) || len(text) > 1 && strings.HasPrefix("off", text))
}

// text returns the single value of a setting in force, unquoted, or "".
func (m *machine) text(name string) string {
	if text := m.tx.local.text(name); text != "" || m.tx.local.get(name) != nil {
		return text
	}
	return m.vars.text(name)
}

// text returns the single value of a setting, unquoted, or "".
func (v *vars) text(name string) string {
	item := v.get(name)
	if item == nil {
		return ""
	}
	if values := unquoteList(item.value); len(values) == 1 {
		return values[0]
	}
	return ""
}
