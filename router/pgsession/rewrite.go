package pgsession

import (
	"slices"
	"strconv"
	"strings"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// edit is a change of a text: bytes start to end are replaced.
type edit struct {
	start, end int32
	text       string
}

// applyEdits applies edits that do not overlap.
func applyEdits(text []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int { return int(a.start - b.start) })
	out := make([]byte, 0, len(text)+128)
	at := int32(0)
	for _, e := range edits {
		out = append(out, text[at:e.start]...)
		out = append(out, e.text...)
		at = e.end
	}
	return append(out, text[at:]...)
}

func quoteIdentifier(name string) string {
	return `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
}

func columnList(columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = quoteIdentifier(c)
	}
	return strings.Join(quoted, ", ")
}

// rewriteInsert writes an INSERT with the column list it was planned with, and
// with the drawn keys: values has one expression per row, none where no key is
// drawn.
func rewriteInsert(text []byte, mode sqlscan.Mode, rw *plan.Rewrite, values []string) ([]byte, *sqlerr.Error) {
	parts, ok := sqlscan.FindInsert(text, mode)
	if !ok {
		return nil, sqlerr.Unroutable("the parts of the INSERT were not found")
	}
	var edits []edit
	add := func(at int32, text string) { edits = append(edits, edit{at, at, text}) }
	drawn := rw.Draw != nil
	list := columnList(rw.AddColumns)
	switch {
	case drawn && rw.KeyIndex < 0 && parts.ListOpen >= 0:
		add(parts.ListOpen+1, quoteIdentifier(rw.Column)+", ")
	case drawn && rw.KeyIndex < 0 && list == "":
		add(parts.ListAt, " ("+quoteIdentifier(rw.Column)+")")
	case drawn && rw.KeyIndex < 0:
		add(parts.ListAt, " ("+quoteIdentifier(rw.Column)+", "+list+")")
	case list != "":
		add(parts.ListAt, " ("+list+")")
	}
	if !drawn {
		return applyEdits(text, edits), nil
	}
	if rw.Draw.Identity && parts.Overriding.Start == parts.Overriding.End {
		add(parts.SourceAt, "OVERRIDING SYSTEM VALUE ")
	}
	switch {
	case rw.DefaultValues:
		edits = append(edits, edit{parts.DefaultValues.Start, parts.DefaultValues.End, "VALUES (" + values[0] + ")"})
	case len(parts.Rows) != len(values):
		return nil, sqlerr.Unroutable("the rows of the INSERT were not found")
	case rw.KeyIndex < 0:
		for i, open := range parts.Rows {
			add(open+1, values[i]+", ")
		}
	default:
		for i, open := range parts.Rows {
			value, ok := sqlscan.FindValue(text, mode, open, rw.KeyIndex)
			if !ok {
				return nil, sqlerr.Unroutable("the DEFAULT of the shard key was not found")
			}
			edits = append(edits, edit{value.Start, value.End, values[i]})
		}
	}
	return applyEdits(text, edits), nil
}

// rowsOf is how many rows an INSERT has that needs drawn keys.
func rowsOf(text []byte, mode sqlscan.Mode, rw *plan.Rewrite) (int, *sqlerr.Error) {
	if rw.DefaultValues {
		return 1, nil
	}
	parts, ok := sqlscan.FindInsert(text, mode)
	if !ok || len(parts.Rows) == 0 {
		return 0, sqlerr.Unroutable("the rows of the INSERT were not found")
	}
	return len(parts.Rows), nil
}

// rewrite changes the text of a step before it is sent. It reports whether the
// step can go on; if not it has failed, or waits for a task.
func (m *machine) rewrite(st *step) bool {
	rw := st.plan.Rewrite
	mode := m.scanMode()
	if kindOf(&st.plan) == querytree.Copy {
		st.text = rewriteCopy(st.text, mode, rw)
		return true
	}
	var values []string
	if rw.Draw != nil {
		keys, ok := m.drawFor(st, rw)
		if !ok {
			return false
		}
		for _, key := range keys {
			values = append(values, quoteLiteral(key))
		}
	}
	text, err := rewriteInsert(st.text, mode, rw, values)
	if err != nil {
		m.refuse(err)
		return false
	}
	st.text = text
	return true
}

// drawFor draws the keys of a step's rows and plans it with them.
func (m *machine) drawFor(st *step, rw *plan.Rewrite) (keys []string, ok bool) {
	rows, err := rowsOf(st.text, m.scanMode(), rw)
	if err != nil {
		m.refuse(err)
		return nil, false
	}
	keys, ok = m.draw(rw.Draw, rows)
	if !ok {
		m.runTask(&drawTask{draw: rw.Draw, n: rows})
		return nil, false
	}
	err = m.placeDrawn(&st.plan, rw.Relation, keys, func(canonical [][]byte) {
		m.scan.Statement(st.text, 0, m.scanMode())
		template := m.cfg.plans.Template(m.db, &m.env, &m.scan)
		template.PlanDrawn(m.db, &m.env, &m.scan, nil, canonical, &st.plan)
	})
	if err != nil {
		m.refuse(err)
		return nil, false
	}
	return keys, true
}

// rewriteCopy writes a COPY with the column list it was planned with.
func rewriteCopy(text []byte, mode sqlscan.Mode, rw *plan.Rewrite) []byte {
	parts, ok := sqlscan.FindCopy(text, mode)
	if !ok || parts.ListOpen >= 0 || len(rw.AddColumns) == 0 {
		return text
	}
	return applyEdits(text, []edit{{parts.ListAt, parts.ListAt, " (" + columnList(rw.AddColumns) + ")"}})
}

// planRewrite prepares an INSERT of the extended protocol that has to be sent
// with another text: drawn keys become further parameters.
func (m *machine) planRewrite(o *op) *sqlerr.Error {
	rw := o.portal.plan.Rewrite
	if rw == nil {
		return nil
	}
	if err := m.rewritePrepared(o.statement, rw); err != nil {
		return err
	}
	if o.statement.hidden == 0 {
		return nil
	}
	keys, ok := m.draw(rw.Draw, o.statement.hidden)
	if !ok {
		m.batch.first = &drawTask{draw: rw.Draw, n: o.statement.hidden}
		return nil
	}
	pl := &o.portal.plan
	err := m.placeDrawn(pl, rw.Relation, keys, func(canonical [][]byte) {
		params := bindKeys{bind: &o.bind, statement: o.statement}
		o.statement.template.PlanDrawn(m.db, &m.env, &o.statement.scan, &params, canonical, pl)
	})
	if err != nil {
		return err
	}
	for _, key := range keys {
		o.portal.extra = append(o.portal.extra, pgwire.Param{Value: []byte(key), Format: pgwire.FormatText})
	}
	return m.requireNode(pl)
}

// rewritePrepared gives a statement the text that servers get, once.
func (m *machine) rewritePrepared(p *prepared, rw *plan.Rewrite) *sqlerr.Error {
	if p.rewritten {
		return nil
	}
	mode := m.scanMode()
	var values []string
	if rw.Draw != nil {
		rows, err := rowsOf(p.sql, mode, rw)
		if err != nil {
			return err
		}
		last := max(len(p.oids), highestParameter(p.sql, mode))
		for i := range rows {
			values = append(values, "$"+strconv.Itoa(last+1+i))
		}
		p.hidden = rows
	}
	text, err := rewriteInsert(p.sql, mode, rw, values)
	if err != nil {
		return err
	}
	p.setText(string(text))
	p.rewritten = true
	return nil
}

// highestParameter is the largest n of $n in a text.
func highestParameter(text []byte, mode sqlscan.Mode) int {
	highest := 0
	tokens := sqlscan.NewTokens(text, 0, mode)
	for {
		switch tok := tokens.Next(); tok.Kind {
		case sqlscan.TokenEnd:
			return highest
		case sqlscan.TokenParam:
			n, _ := strconv.Atoi(string(text[tok.Start+1 : tok.End])) // too large a number is the server's to refuse
			highest = max(highest, min(n, pgwire.MaxParams))
		}
	}
}
