package pgsession

import (
	"shardproxy/protocol/pgwire"
)

// changeVars replaces the session's settings and reports to the client what it
// has to know, as a server would.
func (m *machine) changeVars(to *vars) {
	from := m.vars
	m.vars = to
	if from.equal(to) {
		return
	}
	for _, item := range from.items {
		if item.isReported() && to.get(item.name) == nil {
			m.tellValue(item.name, m.startupValue(item.name))
		}
	}
	for _, item := range to.items {
		if old := from.get(item.name); old == nil || old.reported != item.reported {
			m.report(item)
		}
	}
}

// tellValue sends ParameterStatus, unless the client was told so in this request.
func (m *machine) tellValue(name, value string) {
	if told, ok := m.heard[name]; ok && told == value {
		return
	}
	m.out = pgwire.AppendParameterStatus(m.out, reportedName(name), value)
	m.noteReport(name, value)
}

// report tells the client of a setting, if servers report it.
func (m *machine) report(item variable) {
	if item.isReported() {
		m.tellValue(item.name, item.reported)
	}
}

// reportBack tells the client of a setting of which a SET LOCAL has ended.
func (m *machine) reportBack(item variable) {
	if !item.isReported() {
		return
	}
	value := m.startupValue(item.name)
	if now := m.vars.get(item.name); now != nil {
		value = now.reported
	}
	if (value != "" || item.name == applicationName) && value != item.reported {
		m.tellValue(item.name, value)
	}
}

func (m *machine) startupValue(name string) string { return m.reported[reportedName(name)] }

// reportedName is the spelling of a name in ParameterStatus messages.
func reportedName(name string) string {
	switch name {
	case "datestyle":
		return "DateStyle"
	case "intervalstyle":
		return "IntervalStyle"
	case "timezone":
		return "TimeZone"
	}
	return name
}

// localShow answers SHOW of the proxy's own settings and sends others to a
// server that has the session's settings.
func (m *machine) localShow(st *step) bool {
	name := st.plan.Statement.Setting.Name
	if !ours(name) {
		if m.link != nil {
			return m.forward()
		}
		return m.acquire(m.convenient())
	}
	value := m.text(name)
	if value == "" && name == "shardproxy.notice" {
		value = "off"
	}
	if !m.capturing { // in the extended protocol only a Describe is answered so
		m.out = pgwire.AppendRowDescription(m.out, showColumns(name))
	}
	m.out = pgwire.AppendDataRow(m.out, [][]byte{[]byte(value)})
	m.emitTag("SHOW")
	return false
}

// showColumns describes the result of SHOW.
func showColumns(name string) []pgwire.Column {
	return []pgwire.Column{{Name: []byte(name), Type: oidText, Size: -1, Modifier: -1}}
}
