package pgsession

import (
	"bytes"
	"strings"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// set_config() is SET as a function. A server runs it, since its result is the
// value as the server spells it; what it set is remembered as that of SET is.

const setConfig = "set_config"

// configCall is one set_config() of a statement.
type configCall struct {
	item  variable
	local bool // until the end of the transaction
	// looked: it runs only if the settings have the name.
	looked bool
}

// arguments yields the constants of a statement: its literals, and its parameters
// where it has any.
type arguments struct {
	scan *sqlscan.Scan
	bind *bindKeys // nil in a simple query
}

// stepConfigs finds the calls of a step of a script.
func (m *machine) stepConfigs(st *step) *sqlerr.Error {
	if st.plan.Flags&plan.FlagSetConfig == 0 {
		return nil
	}
	m.scan.Statement(st.text, 0, m.script.mode) // may have gone on to a later statement
	configs, err := m.configCalls(st.plan.Statement, arguments{scan: &m.scan})
	st.configs = configs
	return err
}

// portalConfigs finds the calls of a portal.
func (m *machine) portalConfigs(o *op) *sqlerr.Error {
	po := o.portal
	if po.plan.Flags&plan.FlagSetConfig == 0 {
		return nil
	}
	configs, err := m.configCalls(po.plan.Statement, arguments{&o.statement.scan, &o.params})
	po.configs = configs
	return err
}

// configCalls are the calls of a statement, in their order. Only a SELECT whose
// columns they are, without FROM or from the one row of a setting, is understood:
// anywhere else it would not be known whether, or how often, they run.
func (m *machine) configCalls(s *querytree.Statement, args arguments) ([]configCall, *sqlerr.Error) {
	row := settingsRow(s)
	if row == nil && !oneRowOfConstants(s) {
		return nil, configRefused("in this place").
			WithHint("Use SET or SET LOCAL, or SELECT set_config(name, value, true or false) alone.")
	}
	var calls []configCall
	for i := range s.Query.Targets {
		f, ok := s.Query.Targets[i].Expr.(*querytree.Function)
		if !ok || f.Name != setConfig {
			continue
		}
		call, err := m.configCall(f, row, args)
		if err != nil {
			return nil, err
		}
		call.looked = row != nil
		calls = append(calls, call)
	}
	if len(calls) != callsOf(s, setConfig) {
		return nil, configRefused("inside an expression")
	}
	return calls, nil
}

func configRefused(where string) *sqlerr.Error {
	return sqlerr.NotSupported("set_config() " + where + " is not supported").
		WithHint("Use SET or SET LOCAL, or SELECT set_config(name, value, true or false) with constants.")
}

// settingsRow is the name in SELECT ... FROM pg_settings WHERE name = 'name', as
// pg_dump and pgAdmin ask for what a server may not have; nil for other statements.
func settingsRow(s *querytree.Statement) querytree.Expr {
	if s == nil || s.Kind != querytree.Select || s.Query == nil || len(s.Query.From) != 1 {
		return nil
	}
	switch from := s.Query.From[0].(type) {
	case *querytree.TableRef:
		if from.Name.Name != "pg_settings" || from.Name.Schema != "" && from.Name.Schema != "pg_catalog" ||
			from.Sample || len(from.Columns) > 0 {
			return nil
		}
	case *querytree.FunctionRef:
		f, ok := from.Calls[0].(*querytree.Function)
		if !ok || len(from.Calls) != 1 || f.Name != "pg_show_all_settings" || len(from.Columns) > 0 {
			return nil
		}
	default:
		return nil
	}
	where, ok := s.Query.Where.(*querytree.Compare)
	if !ok || where.Op != "=" || !isSettingName(where.Left) {
		return nil
	}
	q := *s.Query
	q.From, q.Where = nil, nil
	if !oneRowOfConstants(&querytree.Statement{Kind: s.Kind, Query: &q}) {
		return nil
	}
	return where.Right
}

// isSettingName reports whether an expression is the column name of pg_settings.
func isSettingName(x querytree.Expr) bool {
	c, ok := x.(*querytree.Column)
	return ok && c.Name == "name" && !c.Star && len(c.Qualifier) == 0
}

// callsOf counts the calls of a function.
func callsOf(s *querytree.Statement, name string) (n int) {
	querytree.Walk(s, func(x querytree.Node) bool {
		if f, ok := x.(*querytree.Function); ok && f.Name == name {
			n++
		}
		return true
	})
	return n
}

// configCall reads one call. row is the name of the setting whose row it is in, or
// nil.
func (m *machine) configCall(f *querytree.Function, row querytree.Expr, args arguments) (call configCall, err *sqlerr.Error) {
	if len(f.Args) != 3 {
		return call, configRefused("in this form")
	}
	first := f.Args[0]
	if row != nil && isSettingName(first) {
		first = row
	}
	name, ok1 := args.text(first)
	value, ok2 := args.text(f.Args[1])
	local, ok3 := args.boolean(f.Args[2])
	if !ok1 || !ok2 || !ok3 {
		return call, configRefused("with arguments that are not constants")
	}
	setting := startupValue(strings.ToLower(name), value)
	switch {
	case ours(setting.Name):
		return call, sqlerr.NotSupported("set_config() of " + setting.Name + " is not supported").
			WithHint("Use SET: the parameter is the proxy's own.")
	case len(setting.Values) == 0:
		setting.Values = []string{""}
	}
	if err := m.checkSetting(&setting); err != nil {
		return call, err
	}
	return configCall{item: variable{name: setting.Name, value: settingValue(&setting)}, local: local}, nil
}

// text is the value of a constant of type text.
func (a arguments) text(x querytree.Expr) (string, bool) {
	switch x := x.(type) {
	case *querytree.Cast:
		if (x.Type == "text" || x.Type == "varchar") && !x.Array && !x.Modified {
			return a.text(x.Value)
		}
	case *querytree.Literal:
		return x.Text, x.String
	case *querytree.Slot:
		value, ok := a.scan.AppendValue(nil, x.N)
		return string(value), ok && !x.List
	case *querytree.Param:
		value, ok := a.parameter(x.N)
		switch a.typeOf(x.N) {
		case 0, oidText, oidVarchar, oidUnknown: // the same bytes in either format
			return string(value), ok
		}
	}
	return "", false
}

// boolean is the value of a constant of type boolean.
func (a arguments) boolean(x querytree.Expr) (value, ok bool) {
	var text []byte
	switch x := x.(type) {
	case *querytree.Cast:
		if x.Type == "bool" && !x.Array {
			return a.boolean(x.Value)
		}
	case *querytree.Literal:
		text = []byte(strings.ToLower(x.Text))
	case *querytree.Slot:
		if value, ok := a.scan.AppendValue(nil, x.N); ok && !x.List {
			text = bytes.ToLower(value)
		}
	case *querytree.Param:
		raw, given := a.parameter(x.N)
		if given && a.bind.bind.ParamFormat(x.N-1) == pgwire.FormatBinary {
			return len(raw) == 1 && raw[0] == 1, len(raw) == 1
		}
		text = bytes.ToLower(raw)
	}
	switch string(text) {
	case "t", "true", "on", "1":
		return true, true
	case "f", "false", "off", "0":
		return false, true
	}
	return false, false
}

// parameter is the value of a parameter, counted from 1.
func (a arguments) parameter(n int) (value []byte, ok bool) {
	if a.bind == nil || n < 1 || n > a.bind.bind.Params() {
		return nil, false
	}
	value, null, _ := a.bind.bind.Param(n - 1)
	return value, !null
}

func (a arguments) typeOf(n int) uint32 {
	if a.bind == nil {
		return 0
	}
	return a.bind.statement.parameterType(n)
}

// configsDone takes over what the calls of a statement have set.
func (m *machine) configsDone(calls []configCall) {
	if len(calls) == 0 {
		return
	}
	l := m.holder()
	for _, call := range calls {
		if call.looked && string(m.lastTag) == "SELECT 0" {
			continue // no such setting
		}
		item := call.item
		custom := strings.Contains(item.name, ".")
		switch {
		case call.local && !m.tx.open(): // over already
		case call.local && m.tx.bound:
			m.tx.local = m.tx.local.with(item)
		case call.local:
			m.tx.local = m.tx.local.with(item)
			m.tx.replay = append(m.tx.replay, "SET LOCAL "+strings.TrimPrefix(string(appendSet(nil, item)), "SET "))
		default:
			item.reported = m.reportOf(item.name)
			m.vars = m.vars.with(item)
			if m.tx.bound {
				m.tx.local = m.tx.local.without(item.name)
			} else {
				m.overrideLocal(item.name)
			}
		}
		switch {
		case l == nil || m.tx.bound:
		case call.local || l.trial:
			l.custom = l.custom || custom // the server never forgets such a name
		default:
			l.vars = l.vars.with(item)
		}
	}
	m.settingsChanged()
}
