package pgsession

import (
	"strconv"
	"strings"

	"shardproxy/protocol/pgwire"
	"shardproxy/ring"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// noticePlan tells the client where a statement goes, if it asked for that (SET
// shardproxy.notice = on). With every EXPLAIN it says so, too, and why. params
// is nil where the statement has none.
func (m *machine) noticePlan(p *plan.Plan, text []byte, params sqlscan.Keys) {
	if p.Flags&(plan.FlagHomeSizes|plan.FlagHinted) == plan.FlagHomeSizes {
		m.out = pgwire.AppendNotice(m.out, "WARNING", "01000",
			"the sizes are those on node "+string(m.db.Nodes[p.Node].ID)+" alone", "Each of the other nodes has its share.",
			"Ask for the size of one table: SELECT pg_total_relation_size('table') adds up all nodes.")
	}
	if kindOf(p) == querytree.Explain {
		m.noticeReasons(p, text, params)
		return
	}
	if value := m.text("shardproxy.notice"); value == "on" || value == "true" {
		m.emitNotice(m.describePlan(p), "")
	}
}

// noticeReasons is noticePlan with the planner's reasons as the detail.
func (m *machine) noticeReasons(p *plan.Plan, text []byte, params sqlscan.Keys) {
	var scan sqlscan.Scan
	scan.Statement(text, 0, m.scanMode())
	explanation := m.cfg.plans.Template(m.db, &m.env, &scan).Explain(m.db, &m.env, &scan, params)
	lines := explanation.Why
	for _, t := range explanation.Tables {
		line := t.Table + ": " + t.Rule
		if t.Bound != "" {
			line += ", " + t.Bound
		}
		lines = append(lines, line)
	}
	m.emitNotice(m.describePlan(p), strings.Join(lines, "\n"))
}

// describePlan is a plan in one line: "node=pg-2 partition=1234 key=project:42".
func (m *machine) describePlan(p *plan.Plan) string {
	var b strings.Builder
	switch p.Class {
	case plan.Single:
		b.WriteString("node=" + string(m.db.Nodes[p.Node].ID))
	case plan.Subset, plan.Scatter, plan.All:
		var names []string
		for node := range p.Nodes.All() {
			names = append(names, string(m.db.Nodes[node].ID))
		}
		b.WriteString("nodes=" + strings.Join(names, ","))
	default:
		b.WriteString("node=any")
		return b.String()
	}
	switch {
	case p.Class != plan.Single:
	case !p.Several && p.Partition == m.db.HomePartition():
		b.WriteString(" partition=home")
	case !p.Several:
		b.WriteString(" partition=" + strconv.Itoa(int(p.Partition)))
	default:
		b.WriteString(" partitions=" + partitionList(p.Partitions))
	}
	if p.Keyed {
		b.WriteString(" key=" + string(p.Kind) + ":" + ring.FormatKey(p.KeyType, p.Key))
	}
	return b.String()
}

func partitionList(partitions []ring.Partition) string {
	if partitions == nil {
		return "all"
	}
	names := make([]string, len(partitions))
	for i, p := range partitions {
		names[i] = strconv.Itoa(int(p))
	}
	return strings.Join(names, ",")
}
