package pgsession

import (
	"slices"
	"strconv"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
)

// localSet handles SET and SET LOCAL.
func (m *machine) localSet(st *step) bool {
	s := &st.plan.Statement.Setting
	if s.Local && !m.tx.open() {
		m.emitWarning("25P01", "SET LOCAL can only be used in transaction blocks")
		m.emitTag("SET")
		return false
	}
	if s.Name == sessionCharacteristics {
		return m.localCharacteristics(st)
	}
	if s.Default && !s.Local {
		return m.localReset(st)
	}
	if err := m.checkSetting(s); err != nil {
		m.refuse(err)
		return false
	}
	item := variable{name: s.Name, value: settingValue(s)}
	if ours(s.Name) {
		return m.applySetting(item, s.Local, "")
	}
	if m.tied() {
		return m.forward()
	}
	if known, ok := m.known(s); ok {
		return m.applySetting(known, s.Local, string(st.text))
	}
	m.ask(item)
	return true
}

// applySetting takes over a setting without asking a server. text is the SET
// LOCAL to replay when the transaction binds a node.
func (m *machine) applySetting(item variable, local bool, text string) bool {
	if local {
		m.tx.local = m.tx.local.with(item)
		if text != "" {
			m.tx.replay = append(m.tx.replay, text)
		}
		m.report(item)
	} else {
		m.changeVars(m.vars.with(item))
		m.overrideLocal(item.name)
	}
	m.settingsChanged()
	m.emitTag("SET")
	return false
}

// overrideLocal lets the session's value of a setting win over that of a SET LOCAL
// earlier in the transaction.
func (m *machine) overrideLocal(name string) {
	if m.tx.local.get(name) == nil && !slices.Contains(m.tx.overridden, name) {
		return
	}
	m.tx.local = m.tx.local.without(name)
	if ours(name) {
		return
	}
	m.tx.overridden = append(m.tx.overridden, name)
	text := appendReset(nil, name)
	if item := m.vars.get(name); item != nil {
		text = appendSet(nil, *item)
	}
	m.tx.replay = append(m.tx.replay, string(text))
}

// settingDone takes over a SET or RESET that the server of the transaction, or of
// the pinned session, has run.
func (m *machine) settingDone(stmt *querytree.Statement) {
	s := &stmt.Setting
	switch {
	case s.Local && m.tx.open():
		m.tx.local = m.tx.local.with(m.settingOf(s))
	case s.Local:
	case s.Name == "":
		m.tx.local = noVars()
	default:
		m.tx.local = m.tx.local.without(s.Name)
	}
	m.vars = m.after(m.vars, stmt)
	if l := m.holder(); l != nil && !m.tx.bound {
		l.vars = m.after(l.vars, stmt)
	}
	m.settingsChanged()
}

// after is what a SET or RESET makes of the settings of a session.
func (m *machine) after(v *vars, stmt *querytree.Statement) *vars {
	switch s := &stmt.Setting; {
	case s.Local:
		return v
	case s.Name == sessionCharacteristics:
		return v.with(characteristics(&stmt.Transaction)...)
	case s.Name == "":
		return m.base
	case stmt.Kind == querytree.Reset || s.Default:
		return m.reset(v, s.Name)
	default:
		return v.with(m.settingOf(s))
	}
}

// settingOf is a setting as the server has taken it.
func (m *machine) settingOf(s *querytree.Setting) variable {
	return variable{name: s.Name, value: settingValue(s), reported: m.reportOf(s.Name)}
}

// reportOf is what the server said of a setting in this request, or before.
func (m *machine) reportOf(name string) string {
	if value, ok := m.heard[name]; ok {
		return value
	}
	if item := m.setting(name); item != nil {
		return item.reported
	}
	return ""
}

// tied reports whether the session has to stay on its link.
func (m *machine) tied() bool { return m.tx.bound || m.pinned != "" }

// holder is the link of the step that just ended.
func (m *machine) holder() *link {
	if m.link != nil {
		return m.link
	}
	return m.leaving
}

// checkSetting refuses settings that would make the proxy and the server read
// the same bytes differently, and validates the proxy's own.
func (m *machine) checkSetting(s *querytree.Setting) *sqlerr.Error {
	one := ""
	if len(s.Values) == 1 {
		one = s.Values[0]
	}
	switch s.Name {
	case sessionCharacteristics:
	case "client_encoding":
		if !encodingUTF8.MatchString(one) {
			return sqlerr.NotSupported("client_encoding " + strconv.Quote(one) + " is not supported").
				WithHint("Use UTF8: in other encodings the proxy and the server could read a key differently.")
		}
	case "transaction_isolation", "transaction_read_only", "transaction_deferrable":
		return sqlerr.NotSupported("SET " + s.Name + " is not supported").
			WithHint("Use SET TRANSACTION, or BEGIN with options, or SET default_" + s.Name + ".")
	case "shardproxy.notice":
		if one != "on" && one != "off" && one != "true" && one != "false" {
			return sqlerr.InvalidParameterValue(s.Name, one, `Use "on" or "off".`)
		}
	case "shardproxy.key":
		return plan.CheckKeyHint(m.db, one)
	default:
		if ours(s.Name) {
			return sqlerr.UndefinedParameter(s.Name).
				WithHint("The proxy knows shardproxy.key and shardproxy.notice.")
		}
		if len(s.Values) == 0 && !s.Default {
			return sqlerr.NotSupported("this form of SET " + s.Name + " is not supported").
				WithHint("Write the value as a string.")
		}
	}
	return nil
}
