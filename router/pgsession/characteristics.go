package pgsession

import "shardproxy/router/querytree"

// sessionCharacteristics is the name that SET SESSION CHARACTERISTICS AS
// TRANSACTION has as a setting: it sets the defaults of later transactions.
const sessionCharacteristics = "session characteristics"

// localCharacteristics handles SET SESSION CHARACTERISTICS, whose values are
// certain to be accepted by any server.
func (m *machine) localCharacteristics(st *step) bool {
	if m.tied() {
		return m.forward()
	}
	m.changeVars(m.vars.with(characteristics(&st.plan.Statement.Transaction)...))
	m.settingsChanged()
	m.emitTag("SET")
	return false
}

// characteristics are the settings that the options of a transaction amount to.
func characteristics(t *querytree.Transaction) []variable {
	var items []variable
	add := func(name, value, reported string) {
		items = append(items, variable{name: name, value: quoteLiteral(value), reported: reported})
	}
	if t.Isolation != "" {
		add("default_transaction_isolation", t.Isolation, "")
	}
	switch t.ReadOnly {
	case querytree.Yes:
		add("default_transaction_read_only", "on", "on")
	case querytree.No:
		add("default_transaction_read_only", "off", "off")
	}
	switch t.Deferrable {
	case querytree.Yes:
		add("default_transaction_deferrable", "on", "")
	case querytree.No:
		add("default_transaction_deferrable", "off", "")
	}
	return items
}
