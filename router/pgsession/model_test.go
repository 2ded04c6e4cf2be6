package pgsession

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"shardproxy/protocol/pgwire"
)

// model is a PostgreSQL server as far as its protocol goes: prepared statements,
// portals, transactions, errors that skip to Sync. Statements that contain the
// word boom fail when they run, those with nope when they are parsed.
type model struct {
	statements map[string]string
	portals    map[string]string
	done       map[string]bool // portals whose statement runs once and has
	made       map[string]int  // the savepoint before each portal
	serial     int             // of the newest savepoint
	savepoints []savepointModel
	settings   settingsModel
	several    bool // within a Query of several statements
	drawn      int  // the last value of the sequence
	status     byte // as ReadyForQuery says it
	skip       bool
	out        []byte
	// ran are the texts whose effects are not permanent yet.
	ran []string
	// committed are the texts whose effects are permanent.
	committed []string
}

func newModel() *model {
	return &model{statements: map[string]string{}, portals: map[string]string{}, done: map[string]bool{}, made: map[string]int{}, status: txIdle, settings: newSettingsModel()}
}

// feed takes frames of a client, whole, and appends answers to s.out.
func (s *model) feed(frames []byte) {
	for len(frames) > 0 {
		size := 1 + int(frames[1])<<24 + int(frames[2])<<16 + int(frames[3])<<8 + int(frames[4])
		s.message(frames[0], frames[:size])
		frames = frames[size:]
	}
}

func (s *model) fail(code string) {
	s.out = appendModelError(s.out, code)
	s.ran = nil
	switch s.status {
	case txOpen:
		s.status = txFailed
	case txIdle:
		s.settings.end(false)
	}
}

func appendModelError(dst []byte, code string) []byte {
	body := "SERROR\x00VERROR\x00C" + code + "\x00Mmodel\x00\x00"
	dst = append(dst, 'E', 0, 0, 0, byte(4+len(body)))
	return append(dst, body...)
}

func (s *model) message(typ byte, frame []byte) {
	if typ == pgwire.MsgSync {
		s.skip = false
		if code := s.endImplicit(true); code != "" {
			s.fail(code)
		}
		if s.status == txIdle {
			clear(s.portals)
		}
		s.out = pgwire.AppendReadyForQuery(s.out, s.status)
		return
	}
	if s.skip {
		return
	}
	code := ""
	switch typ {
	case pgwire.MsgQuery:
		s.query(frame)
		return
	case pgwire.MsgParse:
		code = s.parse(frame)
	case pgwire.MsgBind:
		code = s.bind(frame)
	case pgwire.MsgDescribe:
		code = s.describe(frame)
	case pgwire.MsgExecute:
		code = s.execute(frame)
	case pgwire.MsgClose:
		s.close(frame)
	}
	if code != "" {
		s.fail(code)
		s.skip = true
	}
}

// endImplicit ends the implicit transaction.
func (s *model) endImplicit(commit bool) (code string) {
	if s.status != txIdle {
		return ""
	}
	if commit && s.deferred() {
		return "23503"
	}
	if commit {
		s.committed = append(s.committed, s.ran...)
	}
	s.ran = nil
	s.settings.end(commit)
	return ""
}

// deferred reports whether the commit is going to fail.
func (s *model) deferred() bool {
	return slices.ContainsFunc(s.ran, func(text string) bool { return strings.Contains(text, "late") })
}

func (s *model) parse(frame []byte) string {
	var m pgwire.Parse
	_ = m.Decode(frame)
	name, text := string(m.Name), string(m.Query)
	switch {
	case strings.Contains(text, "nope"):
		return "42601"
	case s.status == txFailed && !endsBlock(text):
		return "25P02"
	case name != "" && s.statements[name] != "":
		return "42P05"
	}
	s.statements[name] = text
	s.out = pgwire.AppendParseComplete(s.out)
	return ""
}

func (s *model) bind(frame []byte) string {
	var m pgwire.Bind
	_ = m.Decode(frame)
	text, ok := s.statements[string(m.Statement)]
	switch {
	case !ok:
		return "26000"
	case s.status == txFailed && !endsBlock(text):
		return "25P02"
	case len(m.Portal) > 0 && s.portals[string(m.Portal)] != "":
		return "42P03"
	}
	s.portals[string(m.Portal)] = text
	delete(s.done, string(m.Portal))
	s.made[string(m.Portal)] = s.serial
	s.out = pgwire.AppendBindComplete(s.out)
	return ""
}

func (s *model) describe(frame []byte) string {
	var m pgwire.Describe
	_ = m.Decode(frame)
	text, ok := s.portals[string(m.Name)]
	code := "34000"
	if m.Kind == pgwire.KindStatement {
		text, ok = s.statements[string(m.Name)]
		code = "26000"
	}
	if !ok {
		return code
	}
	if s.status == txFailed && returnsRows(text) {
		return "25P02"
	}
	if m.Kind == pgwire.KindStatement {
		s.out = pgwire.AppendParameterDescription(s.out, nil)
	}
	if returnsRows(text) {
		s.out = pgwire.AppendRowDescription(s.out, []pgwire.Column{{Name: []byte("c"), Type: 23}})
	} else {
		s.out = pgwire.AppendNoData(s.out)
	}
	return ""
}

func (s *model) execute(frame []byte) string {
	var m pgwire.Execute
	_ = m.Decode(frame)
	text, ok := s.portals[string(m.Portal)]
	if !ok {
		return "34000"
	}
	if s.status == txFailed && !endsBlock(text) {
		return "25P02"
	}
	if s.done[string(m.Portal)] {
		return "55000"
	}
	if !returnsRows(text) {
		s.done[string(m.Portal)] = true
	}
	return s.run(text, false)
}

func (s *model) close(frame []byte) {
	var m pgwire.Close
	_ = m.Decode(frame)
	if m.Kind == pgwire.KindStatement {
		delete(s.statements, string(m.Name))
	} else {
		delete(s.portals, string(m.Name))
	}
	s.out = pgwire.AppendCloseComplete(s.out)
}

func (s *model) query(frame []byte) {
	var m pgwire.Query
	_ = m.Decode(frame)
	delete(s.statements, "")
	ok := true
	if strings.Trim(string(m.Text), " ;") == "" {
		s.out = pgwire.AppendEmptyQueryResponse(s.out)
	}
	if strings.Contains(string(m.Text), "nope") {
		s.fail("42601")
		m.Text, ok = nil, false
	}
	s.several = strings.Count(strings.TrimRight(string(m.Text), "; "), ";") > 0
	defer func() { s.several = false }()
	for text := range strings.SplitSeq(string(m.Text), ";") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		var code string
		switch {
		case strings.Contains(text, "nope"):
			code = "42601"
		case s.status == txFailed && !endsBlock(text):
			code = "25P02"
		default:
			code = s.run(text, true)
		}
		if code != "" {
			s.fail(code)
			ok = false
			break
		}
	}
	if code := s.endImplicit(ok); code != "" {
		s.fail(code)
	}
	if s.status == txIdle {
		clear(s.portals)
	}
	s.out = pgwire.AppendReadyForQuery(s.out, s.status)
}

// run executes a statement.
func (s *model) run(text string, describe bool) (code string) {
	word, rest, _ := strings.Cut(text, " ")
	switch word {
	case "BEGIN":
		if s.status != txIdle {
			s.warn()
		}
		s.status = txOpen
	case "COMMIT", "ROLLBACK":
		if strings.HasPrefix(rest, "TO ") {
			return s.rollbackTo(strings.TrimPrefix(rest, "TO "))
		}
		if rest != "AND CHAIN" {
			return s.end(word)
		}
		if s.status == txIdle {
			return "25P01"
		}
		code = s.end(word)
		if code == "" {
			s.status = txOpen
		}
		return code
	case "SAVEPOINT":
		if s.status == txIdle {
			return "25P01"
		}
		s.savepoints = append(s.savepoints, savepointModel{rest, len(s.ran), s.settings.clone(), s.serial + 1})
		s.serial++
	case "SET", "RESET":
		if code := s.set(word, rest); code != "" {
			return code
		}
	case "SHOW":
		if describe {
			s.out = pgwire.AppendRowDescription(s.out, []pgwire.Column{{Name: []byte(rest), Type: 25}})
		}
		s.out = pgwire.AppendDataRow(s.out, [][]byte{[]byte(s.settings.show(rest))})
	case "DEALLOCATE":
		if rest == "ALL" {
			clear(s.statements)
			word = "DEALLOCATE ALL"
			break
		}
		if s.statements[rest] == "" {
			return "26000"
		}
		delete(s.statements, rest)
	default:
		if strings.Contains(text, "boom") {
			return "22012"
		}
		if !returnsRows(text) {
			s.ran = append(s.ran, text)
		}
		if strings.HasPrefix(text, "SELECT pg_catalog.nextval") {
			_, rest, _ := strings.Cut(text, "generate_series(1, ")
			n := 0
			_, _ = fmt.Sscan(rest, &n)
			for range n {
				s.drawn++
				s.out = pgwire.AppendDataRow(s.out, [][]byte{fmt.Append(nil, s.drawn)})
			}
			break
		}
		if returnsRows(text) {
			if describe {
				s.out = pgwire.AppendRowDescription(s.out, []pgwire.Column{{Name: []byte("c"), Type: 23}})
			}
			s.out = pgwire.AppendDataRow(s.out, [][]byte{[]byte("1")})
		}
	}
	s.out = pgwire.AppendCommandComplete(s.out, word)
	return ""
}

func (s *model) warn() { s.out = pgwire.AppendNotice(s.out, "WARNING", "25001", "model", "", "") }

func (s *model) end(word string) string {
	tag := word
	switch {
	case s.status == txIdle:
		s.warn()
		if code := s.endImplicit(word == "COMMIT"); code != "" {
			return code
		}
	case word == "COMMIT" && s.status == txOpen && s.deferred():
		s.settings.end(false)
		s.status, s.savepoints = txIdle, nil
		return "23503"
	case word == "COMMIT" && s.status == txOpen:
		s.committed = append(s.committed, s.ran...)
	default:
		tag = "ROLLBACK"
	}
	s.settings.end(tag == "COMMIT")
	s.status, s.savepoints = txIdle, nil
	s.ran = nil
	clear(s.portals)
	s.out = pgwire.AppendCommandComplete(s.out, tag)
	return ""
}

func (s *model) rollbackTo(name string) string {
	if s.status == txIdle {
		return "25P01"
	}
	for i := len(s.savepoints) - 1; i >= 0; i-- {
		saved := s.savepoints[i]
		if saved.name != name {
			continue
		}
		s.savepoints = s.savepoints[:i+1]
		s.ran = s.ran[:min(saved.ran, len(s.ran))]
		maps.DeleteFunc(s.portals, func(name string, _ string) bool { return s.made[name] >= saved.serial })
		s.settings = saved.settings.clone()
		s.status = txOpen
		s.out = pgwire.AppendCommandComplete(s.out, "ROLLBACK")
		return ""
	}
	return "3B001"
}

func endsBlock(text string) bool {
	return strings.HasPrefix(text, "COMMIT") || strings.HasPrefix(text, "ROLLBACK")
}

func returnsRows(text string) bool {
	return strings.HasPrefix(text, "SELECT") || strings.HasPrefix(text, "SHOW")
}

// savepointModel is what ROLLBACK TO returns to.
type savepointModel struct {
	name     string
	ran      int
	settings settingsModel
	serial   int
}

// settingsModel are the settings of a session: those of the session, those of SET
// LOCAL on top, and those to which a rollback returns.
type settingsModel struct{ session, local, saved map[string]string }

func newSettingsModel() settingsModel {
	return settingsModel{map[string]string{}, map[string]string{}, map[string]string{}}
}

func (s settingsModel) clone() settingsModel {
	return settingsModel{maps.Clone(s.session), maps.Clone(s.local), maps.Clone(s.saved)}
}

// end ends a transaction.
func (s *settingsModel) end(commit bool) {
	if !commit {
		s.session = maps.Clone(s.saved)
	}
	s.saved = maps.Clone(s.session)
	clear(s.local)
}

func (s *settingsModel) show(name string) string {
	if value, ok := s.local[name]; ok {
		return value
	}
	return s.session[name]
}

// set runs SET name TO value and RESET name.
func (s *model) set(word, rest string) (code string) {
	if word == "RESET" {
		if rest == "ALL" {
			clear(s.settings.session)
			clear(s.settings.local)
		}
		name := strings.Trim(rest, `"`)
		delete(s.settings.session, name)
		delete(s.settings.local, name)
		return ""
	}
	if strings.HasPrefix(rest, "TRANSACTION ") {
		return ""
	}
	rest, local := strings.CutPrefix(rest, "LOCAL ")
	name, value, _ := strings.Cut(rest, " TO ")
	name = strings.Trim(name, `"`)
	switch {
	case strings.Contains(value, "nonsense"):
		return "22023"
	case local && s.status == txIdle && !s.several:
		s.warn()
	case local:
		s.settings.local[name] = value
	default:
		s.settings.session[name] = value
		delete(s.settings.local, name)
	}
	return ""
}
