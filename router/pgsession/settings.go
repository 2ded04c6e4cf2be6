package pgsession

import (
	"regexp"
	"strconv"
	"strings"
	"sync"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// knownSettings remembers which settings a server accepted, and what it
// reported then, so that later SETs of the same value need no server. It is
// shared by all sessions of one user and database, and safe for concurrent use.
type knownSettings struct {
	mu sync.Mutex
	// accepted is keyed by name and value; bounded by maxKnownSettings.
	accepted map[[2]string]variable
}

const maxKnownSettings = 4096

func newKnownSettings() *knownSettings {
	return &knownSettings{accepted: make(map[[2]string]variable)}
}

// find returns the setting as the server accepted it.
func (k *knownSettings) find(name, value string) (variable, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	item, ok := k.accepted[[2]string{name, value}]
	return item, ok
}

// add remembers an accepted setting.
func (k *knownSettings) add(item variable) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.accepted) >= maxKnownSettings {
		clear(k.accepted)
	}
	k.accepted[[2]string{item.name, item.value}] = item
}

var (
	durationSetting = regexp.MustCompile(`^\d{1,10}\s*(us|ms|s|min|h|d)?$`)
	encodingUTF8    = regexp.MustCompile(`(?i)^'?(utf-?8|unicode|sql_ascii)'?$`)
)

// absorb judges a setting without a server: known is true where its value is
// certain to be accepted by any.
func absorb(name, text string) (item variable, known bool) {
	item = variable{name: name, value: quoteLiteral(text)}
	switch name {
	case "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout":
		return item, validDuration(text)
	case "application_name":
		item.reported = cleanName(text)
		return item, true
	case "extra_float_digits":
		n, err := strconv.Atoi(text)
		return item, err == nil && n >= -15 && n <= 3
	}
	return item, false
}

// validDuration accepts what every server takes for a timeout: a number of
// milliseconds, or with a unit, well below the 31-bit limit.
func validDuration(text string) bool {
	m := durationSetting.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	digits := strings.TrimSpace(strings.TrimSuffix(text, m[1]))
	n, err := strconv.ParseInt(digits, 10, 64)
	factor := map[string]int64{"": 1, "us": 1, "ms": 1, "s": 1e3, "min": 6e4, "h": 36e5, "d": 864e5}[m[1]]
	return err == nil && n <= 2147483647/factor
}

// cleanName is what PostgreSQL makes of an application_name: 63 bytes, and a
// question mark for whatever is not printable ASCII.
func cleanName(s string) string {
	clean := make([]byte, 0, len(s))
	for i := 0; i < len(s) && i < 63; i++ {
		c := s[i]
		if c < 32 || c > 126 {
			c = '?'
		}
		clean = append(clean, c)
	}
	return string(clean)
}

// text returns the single value of a setting in force, unquoted, or "".
func (m *machine) text(name string) string {
	item := m.setting(name)
	if item == nil {
		return ""
	}
	if values := unquoteList(item.value); len(values) == 1 {
		return values[0]
	}
	return ""
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

// localSet handles SET and SET LOCAL.
func (m *machine) localSet(st *step) bool {
	s := &st.plan.Statement.Setting
	if s.Local && (!m.tx.open() || m.tx.implicit) {
		m.emitWarning("25P01", "SET LOCAL can only be used in transaction blocks")
		m.emitTag("SET")
		return false
	}
	if s.Default && !s.Local {
		return m.localReset(st)
	}
	if err := checkSetting(s); err != nil {
		m.refuse(err)
		return false
	}
	item := variable{name: s.Name, value: settingValue(s)}
	if ours(s.Name) {
		return m.applySetting(item, s.Local, "")
	}
	if m.tied() {
		m.asked = pendingSetting{item: item, local: s.Local, active: true}
		return m.forward()
	}
	if known, ok := m.known(s); ok {
		return m.applySetting(known, s.Local, string(st.text))
	}
	m.ask(item)
	return true
}

// pendingSetting is a SET or RESET that the backend of the transaction, or of
// the pinned session, is running.
type pendingSetting struct {
	active, local bool
	reset         bool
	all           bool
	item          variable
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
	}
	m.settingsChanged()
	m.emitTag("SET")
	return false
}

// settingDone takes over a setting that a server accepted.
func (m *machine) settingDone() {
	p := m.asked
	m.asked = pendingSetting{}
	if !p.active {
		return
	}
	p.item.reported = m.heard[p.item.name]
	switch {
	case p.all:
		m.vars = m.base
	case p.reset:
		m.vars = m.afterReset(p.item.name)
	case p.local:
		m.tx.local = m.tx.local.with(p.item)
	default:
		m.vars = m.vars.with(p.item)
	}
	if l := m.holder(); l != nil && !m.tx.bound {
		l.vars = m.vars
	}
	m.settingsChanged()
}

// known returns the setting where no server has to be asked whether it is valid.
func (m *machine) known(s *querytree.Setting) (variable, bool) {
	if len(s.Values) == 1 {
		if item, ok := absorb(s.Name, s.Values[0]); ok {
			return item, true
		}
	}
	return m.cfg.settings.find(s.Name, settingValue(s))
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
func checkSetting(s *querytree.Setting) *sqlerr.Error {
	one := ""
	if len(s.Values) == 1 {
		one = s.Values[0]
	}
	switch s.Name {
	case "client_encoding":
		if !encodingUTF8.MatchString(one) {
			return sqlerr.NotSupported("client_encoding " + strconv.Quote(one) + " is not supported").
				WithHint("Use UTF8: in other encodings the proxy and the server could read a key differently.")
		}
	case "shardproxy.notice":
		if one != "on" && one != "off" && one != "true" && one != "false" {
			return sqlerr.InvalidParameterValue(s.Name, one, `Use "on" or "off".`)
		}
	case "shardproxy.key":
		if one != "" && !strings.Contains(one, ":") {
			return sqlerr.InvalidParameterValue(s.Name, one,
				"Write the kind of key, a colon and the key: 'project:42'.")
		}
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

// localReset handles RESET, RESET ALL and SET ... TO DEFAULT.
func (m *machine) localReset(st *step) bool {
	s := &st.plan.Statement.Setting
	if m.tied() {
		m.asked = pendingSetting{active: true, reset: true, all: s.Name == "", item: variable{name: s.Name}}
		if item := m.base.get(s.Name); item != nil {
			st.text = appendSet(nil, *item)
		}
		return m.forward()
	}
	if s.Name == "" {
		m.changeVars(m.base)
	} else {
		m.changeVars(m.afterReset(s.Name))
	}
	m.settingsChanged()
	m.emitTag(st.plan.Statement.Tag)
	return false
}

// afterReset is the set with name back at its startup value.
func (m *machine) afterReset(name string) *vars {
	if item := m.base.get(name); item != nil {
		return m.vars.with(*item)
	}
	return m.vars.without(name)
}

// changeVars replaces the session's settings and reports to the client what it
// has to know, as a server would.
func (m *machine) changeVars(to *vars) {
	from := m.vars
	m.vars = to
	if from.equal(to) {
		return
	}
	for _, item := range from.items {
		if item.reported != "" && to.get(item.name) == nil {
			m.out = pgwire.AppendParameterStatus(m.out, reportedName(item.name), m.startupValue(item.name))
		}
	}
	for _, item := range to.items {
		if old := from.get(item.name); old == nil || old.reported != item.reported {
			m.report(item)
		}
	}
}

// report tells the client of a setting, if servers report it.
func (m *machine) report(item variable) {
	if item.reported != "" {
		m.out = pgwire.AppendParameterStatus(m.out, reportedName(item.name), item.reported)
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
	m.out = pgwire.AppendRowDescription(m.out, showColumns(name))
	m.out = pgwire.AppendDataRow(m.out, [][]byte{[]byte(value)})
	m.emitTag("SHOW")
	return false
}

// showColumns describes the result of SHOW.
func showColumns(name string) []pgwire.Column {
	return []pgwire.Column{{Name: []byte(name), Type: oidText, Size: -1, Modifier: -1}}
}

// setSearchPath derives the planner's view of search_path.
func (m *machine) setSearchPath() {
	value := m.cfg.searchPath
	if item := m.setting("search_path"); item != nil && item.value != "DEFAULT" {
		value = searchPathOf(item.value)
	}
	if m.env.SearchPathKey == value && m.env.SearchPath != nil {
		return
	}
	m.env.SearchPathKey = value
	m.env.SearchPath = splitSearchPath(value, m.cfg.backendUser)
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
