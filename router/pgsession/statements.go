package pgsession

import (
	"bytes"
	"encoding/binary"
	"unique"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// newPrepared makes the statement of a Parse message.
func (m *machine) newPrepared(name string, msg *pgwire.Parse) *prepared {
	p := &prepared{name: name, sql: append([]byte(nil), msg.Query...)}
	p.oids = make([]uint32, msg.ParamOIDs())
	for i := range p.oids {
		p.oids[i] = msg.ParamOID(i)
	}
	p.mode = m.scanMode()
	p.scan.Statement(p.sql, 0, p.mode)
	p.setText(string(p.sql))
	m.refreshPrepared(p)
	return p
}

// holds reports whether a Parse message, read in this mode, is this statement.
func (p *prepared) holds(msg *pgwire.Parse, mode sqlscan.Mode) bool {
	if p.mode != mode || len(p.oids) != msg.ParamOIDs() || !bytes.Equal(p.sql, msg.Query) {
		return false
	}
	for i, oid := range p.oids {
		if oid != msg.ParamOID(i) {
			return false
		}
	}
	return true
}

// setText decides what is sent to servers.
func (p *prepared) setText(sql string) {
	raw := make([]byte, 0, 4*len(p.oids))
	for _, oid := range p.oids {
		raw = binary.BigEndian.AppendUint32(raw, oid)
	}
	p.key = unique.Make(statementText{sql: sql, oids: string(raw), mode: p.mode})
	if p.name != "" {
		p.sent = serverName(p.key)
	}
}

// refreshPrepared plans the statement anew when the schema or the search path
// has changed since.
func (m *machine) refreshPrepared(p *prepared) {
	if p.template != nil && p.epoch == m.db.SchemaEpoch && p.path == m.env.SearchPathKey && p.hint == m.env.KeyHint {
		return
	}
	p.epoch, p.path, p.hint = m.db.SchemaEpoch, m.env.SearchPathKey, m.env.KeyHint
	if p.rewritten {
		p.rewritten, p.hidden = false, 0
		p.setText(string(p.sql))
	}
	p.signature = m.types().find(p.signatureKey())
	p.template = m.cfg.plans.Template(m.db, &m.env, &p.scan)
	m.planPrepared(p, nil, &p.static)
}

// planPrepared plans one execution of a statement; params is nil where there are
// none yet. The empty statement is the proxy's to answer.
func (m *machine) planPrepared(p *prepared, params sqlscan.Keys, out *plan.Plan) {
	if p.scan.Empty {
		*out = plan.Plan{Class: plan.Local}
	} else {
		p.template.Plan(m.db, &m.env, &p.scan, params, out)
	}
	out.Epoch = m.topo.Epoch
}

// refusedAlways is the refusal that does not depend on parameters.
func (m *machine) refusedAlways(p *prepared) *sqlerr.Error {
	switch {
	case p.static.Class != plan.Reject:
		return nil
	case p.static.UnknownTable && m.pinned != "":
		return nil
	case p.static.Would == plan.WouldScatter && !p.static.Write:
		return nil // it may be described, as drivers do to learn the types of columns
	}
	return p.static.Err
}

// describeLocal describes a statement that the proxy answers. whole adds the
// description of its parameters.
func (m *machine) describeLocal(p *prepared, whole bool) []byte {
	var out []byte
	if whole {
		out = append(out, noParameters...)
	}
	if s := p.statement(); !p.scan.Empty && s.Kind == querytree.Show {
		return pgwire.AppendRowDescription(out, showColumns(s.Setting.Name))
	}
	return append(out, noData...)
}
