package pgsession

import (
	"strings"
	"unique"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// isBinaryCopy reports whether a plan is that of COPY in binary format.
func isBinaryCopy(p *plan.Plan) bool {
	return kindOf(p) == querytree.Copy && strings.EqualFold(p.Statement.Copy.Options["format"], "binary")
}

// checkCopy refuses a COPY in binary format whose values cannot be translated
// for a node.
func (m *machine) checkCopy(p *plan.Plan, node topology.NodeIndex) *sqlerr.Error {
	if p.Copy == nil || !isBinaryCopy(p) {
		return nil
	}
	return m.checkCopied(p.Copy, node)
}

// checkCopied is checkCopy where the format is known to be binary.
func (m *machine) checkCopied(p *plan.CopyPlan, node topology.NodeIndex) *sqlerr.Error {
	if m.db.Types.Alike(node) {
		return nil
	}
	for _, name := range p.Columns {
		if c := p.Relation.Column(name); c != nil && m.holdsOIDs(c.TypeOID) {
			return binaryRefused(`COPY of column "`+name+`"`, c.TypeOID)
		}
	}
	return nil
}

// copiesQuery handles COPY (query) TO in binary format on a node where type OIDs
// differ: the query has to be described first. It reports whether the step can
// go on; if not it has failed, or waits for a task.
func (m *machine) copiesQuery(st *step, node topology.NodeIndex) bool {
	if m.db.Types.Alike(node) || st.plan.Copy != nil || !isBinaryCopy(&st.plan) {
		return true
	}
	query, ok := copiedQuery(st.text, m.scanMode())
	if !ok {
		m.refuse(sqlerr.NotSupported("this form of COPY in binary format is not supported").WithHint("Use the text format."))
		return false
	}
	if st.copied == nil {
		st.copied = &prepared{
			key:  unique.Make(statementText{sql: string(query)}),
			path: m.env.SearchPathKey, epoch: m.db.SchemaEpoch,
		}
		m.runTask(&describeTask{statement: st.copied})
		return false
	}
	for i, oid := range st.copied.signature.columns {
		if m.holdsOIDs(oid) {
			m.refuse(binaryRefused(columnName(i), oid))
			return false
		}
	}
	return true
}

// checkBoundCopy refuses a COPY in the extended protocol, but for one that sends
// text: what a client says during COPY FROM STDIN, its Sync included, means something
// else there, while a batch is planned as a whole before any of it is sent.
func checkBoundCopy(p *plan.Plan) *sqlerr.Error {
	if kindOf(p) != querytree.Copy || !p.Statement.Copy.From && !isBinaryCopy(p) {
		return nil
	}
	what := "COPY FROM STDIN"
	if !p.Statement.Copy.From {
		what = "COPY in binary format"
	}
	return sqlerr.NotSupported(what + " is not supported in the extended query protocol").
		WithHint("Send COPY as a simple query.")
}

// copiedQuery is the query of COPY (query) TO.
func copiedQuery(text []byte, mode sqlscan.Mode) (query []byte, ok bool) {
	tokens := sqlscan.NewTokens(text, 0, mode)
	copied, open := tokens.Next(), tokens.Next()
	if copied.Kind != sqlscan.TokenWord || open.Kind != sqlscan.TokenOpen {
		return nil, false
	}
	for depth := 1; ; {
		switch t := tokens.Next(); t.Kind {
		case sqlscan.TokenOpen:
			depth++
		case sqlscan.TokenClose:
			if depth--; depth == 0 {
				return text[open.End:t.Start], true
			}
		case sqlscan.TokenEnd, sqlscan.TokenInvalid:
			return nil, false
		}
	}
}
