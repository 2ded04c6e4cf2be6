package pgsession

import (
	"slices"
	"strings"
	"unique"

	"shardproxy/protocol/pgwire"
	"shardproxy/router/querytree"
)

// What a client says at its login is a SET for the servers, so a RESET that one of
// them runs is followed by that SET.

// localReset handles RESET, RESET ALL and SET ... TO DEFAULT.
func (m *machine) localReset(st *step) bool {
	s := &st.plan.Statement.Setting
	if m.tied() && !ours(s.Name) {
		if again := appendSettings(nil, m.atLogin(s)); len(again) > 0 {
			st.text = slices.Concat(st.text, []byte("\n;"), again)
			st.single = true
		}
		return m.forward()
	}
	if s.Name == "" {
		m.changeVars(m.base)
		names := slices.Clone(m.tx.overridden)
		for _, item := range m.tx.local.items {
			names = append(names, item.name)
		}
		for _, name := range names {
			m.overrideLocal(name)
		}
	} else {
		m.changeVars(m.reset(m.vars, s.Name))
		m.overrideLocal(s.Name)
	}
	m.settingsChanged()
	m.emitTag(st.plan.Statement.Tag)
	return false
}

// reset is a set with name back at its startup value.
func (m *machine) reset(v *vars, name string) *vars {
	if item := m.base.get(name); item != nil {
		return v.with(*item)
	}
	return v.without(name)
}

// atLogin are the settings of the login that a RESET brings back on a server.
func (m *machine) atLogin(s *querytree.Setting) []variable {
	var items []variable
	for _, item := range m.base.items {
		if !ours(item.name) && (s.Name == "" || s.Name == item.name) {
			items = append(items, item)
		}
	}
	return items
}

// appendSettings appends a SET command for each item.
func appendSettings(dst []byte, items []variable) []byte {
	for _, item := range items {
		dst = appendSet(dst, item)
	}
	return dst
}

// resetPortal is the portal of the SET behind a RESET.
const resetPortal = "reset by shardproxy"

// sendAtLogin follows a RESET of a batch.
func (m *machine) sendAtLogin(stmt *querytree.Statement, seq int32) {
	if stmt == nil || stmt.Kind != querytree.Reset && (stmt.Kind != querytree.Set || !stmt.Setting.Default || stmt.Setting.Local) {
		return
	}
	l := m.link
	for _, item := range m.atLogin(&stmt.Setting) {
		key := unique.Make(statementText{sql: strings.TrimSuffix(string(appendSet(nil, item)), ";")})
		p := &prepared{key: key, sent: serverName(key)}
		if !l.has(p) {
			l.parse(p, nil, true, seq)
		}
		l.out = pgwire.AppendBind(l.out, resetPortal, p.sent, nil, nil)
		l.replies.push(reply{kind: replyBind, quiet: true, seq: seq})
		l.out = pgwire.AppendExecute(l.out, resetPortal, 0)
		l.replies.push(reply{kind: replyExecute, quiet: true, seq: seq})
		l.out = pgwire.AppendClose(l.out, pgwire.KindPortal, resetPortal)
		l.replies.push(reply{kind: replyClose, quiet: true, seq: seq})
	}
}
