package pgsession

// User-defined types have other OIDs on each node. Clients see the home node's.

// oidFromNode translates an OID that the link's node sent.
func (m *machine) oidFromNode(oid uint32) uint32 {
	if m.db.Types == nil || m.link == nil {
		return oid
	}
	if mapped, ok := m.db.Types.FromNode[m.link.node][oid]; ok {
		return mapped
	}
	return oid
}

// oidToNode translates an OID that the client knows for a node.
func (m *machine) oidToNode(oid uint32) uint32 {
	if m.db.Types == nil || m.link == nil {
		return oid
	}
	if mapped, ok := m.db.Types.ToNode[m.link.node][oid]; ok {
		return mapped
	}
	return oid
}

// mapColumns translates the types of a RowDescription in place.
func (m *machine) mapColumns(frame []byte) {
	if m.db.Types == nil || m.link == nil || m.db.Types.FromNode[m.link.node] == nil {
		return
	}
	if m.columns.Decode(frame) != nil {
		return
	}
	for i := range m.columns.Columns {
		oid := m.columns.Columns[i].Type
		if mapped := m.oidFromNode(oid); mapped != oid {
			m.columns.SetType(i, mapped)
		}
	}
}

// parameterTypes are the declared types of a statement in the node's terms.
func (m *machine) parameterTypes(p *prepared) []uint32 {
	if m.db.Types == nil || m.link == nil || m.db.Types.ToNode[m.link.node] == nil {
		return p.oids
	}
	mapped := make([]uint32, len(p.oids))
	for i, oid := range p.oids {
		mapped[i] = m.oidToNode(oid)
	}
	return mapped
}
