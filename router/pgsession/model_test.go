package pgsession

import (
	"fmt"
	"strings"

	"shardproxy/protocol/pgwire"
)

// model is a PostgreSQL server as far as its protocol goes: prepared statements,
// portals, transactions, errors that skip to Sync. Statements that contain the
// word boom fail when they run, those with nope when they are parsed.
type model struct {
	statements map[string]string
	portals    map[string]string
	savepoints []string
	status     byte // as ReadyForQuery says it
	skip       bool
	out        []byte
	// ran are the texts whose effects are not permanent yet.
	ran []string
	// committed are the texts whose effects are permanent.
	committed []string
}

func newModel() *model {
	return &model{statements: map[string]string{}, portals: map[string]string{}, status: txIdle}
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
	if s.status == txOpen {
		s.status = txFailed
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
		s.endImplicit(true)
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
func (s *model) endImplicit(commit bool) {
	if s.status == txIdle {
		if commit {
			s.committed = append(s.committed, s.ran...)
		}
		s.ran = nil
	}
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
	s.endImplicit(ok)
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
		return s.end(word)
	case "SAVEPOINT":
		if s.status == txIdle {
			return "25P01"
		}
		s.savepoints = append(s.savepoints, fmt.Sprint(rest, " ", len(s.ran)))
	case "SET", "RESET", "DISCARD":
	default:
		if strings.Contains(text, "boom") {
			return "22012"
		}
		if !returnsRows(text) {
			s.ran = append(s.ran, text)
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
		s.endImplicit(word == "COMMIT")
	case word == "COMMIT" && s.status == txOpen:
		s.committed = append(s.committed, s.ran...)
	default:
		tag = "ROLLBACK"
	}
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
		saved, mark, _ := strings.Cut(s.savepoints[i], " ")
		if saved != name {
			continue
		}
		n := 0
		_, _ = fmt.Sscan(mark, &n)
		s.savepoints = s.savepoints[:i+1]
		s.ran = s.ran[:min(n, len(s.ran))]
		s.status = txOpen
		s.out = pgwire.AppendCommandComplete(s.out, "ROLLBACK")
		return ""
	}
	return "3B001"
}

func endsBlock(text string) bool {
	return strings.HasPrefix(text, "COMMIT") || strings.HasPrefix(text, "ROLLBACK")
}

func returnsRows(text string) bool { return strings.HasPrefix(text, "SELECT") }
