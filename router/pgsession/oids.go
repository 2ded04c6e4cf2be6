package pgsession

import (
	"bytes"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
)

// User-defined types have other OIDs on each node. Clients see the home node's,
// and everything that the proxy remembers is in the home node's.

// oidMaps returns how type OIDs are translated to and from a node; nil maps
// where they are the home node's, or the node is no longer there.
func (m *machine) oidMaps(node topology.NodeIndex) (to, from map[uint32]uint32) {
	if m.db.Types.Alike(node) {
		return nil, nil
	}
	return m.db.Types.ToNode[node], m.db.Types.FromNode[node]
}

// mapOID translates an OID.
func mapOID(oids map[uint32]uint32, oid uint32) uint32 {
	if mapped, ok := oids[oid]; ok {
		return mapped
	}
	return oid
}

// parameterTypes are the declared types of a statement in a node's terms.
func (m *machine) parameterTypes(p *prepared, node topology.NodeIndex) []uint32 {
	to, _ := m.oidMaps(node)
	if to == nil || len(p.oids) == 0 {
		return p.oids
	}
	mapped := make([]uint32, len(p.oids))
	for i, oid := range p.oids {
		mapped[i] = mapOID(to, oid)
	}
	return mapped
}

// mapParameters translates the types of a ParameterDescription in place and
// returns them.
func (m *machine) mapParameters(node topology.NodeIndex, frame []byte) ([]uint32, error) {
	var d pgwire.ParameterDescription
	if err := d.Decode(frame); err != nil {
		return nil, err
	}
	_, from := m.oidMaps(node)
	oids := make([]uint32, d.OIDs())
	for i := range oids {
		oids[i] = mapOID(from, d.OID(i))
		d.SetOID(i, oids[i])
	}
	return oids, nil
}

// mapColumns translates the types of a RowDescription in place. Afterwards the
// columns are in machine.columns, unless no type differs between any nodes. The
// error is that of values which cannot be translated.
func (m *machine) mapColumns(node topology.NodeIndex, frame []byte) error {
	if m.db.Types == nil {
		return nil
	}
	if err := m.columns.Decode(frame); err != nil {
		return err
	}
	_, from := m.oidMaps(node)
	if from == nil {
		return nil
	}
	hideTables(frame)
	for i := range m.columns.Columns {
		c := &m.columns.Columns[i]
		m.columns.SetType(i, mapOID(from, c.Type))
		if c.Format == pgwire.FormatBinary && m.holdsOIDs(c.Type) {
			return binaryRefused(columnName(i), c.Type)
		}
	}
	return nil
}

// hideTables makes a RowDescription, which is known to be well formed, say of no
// column which table it belongs to. Drivers look the table's name up by its OID, and
// would find another table's at home.
func hideTables(frame []byte) {
	const table, fixed = 6, 18 // bytes: OID and number of the column; all behind the name
	for rest := frame[pgwire.HeaderSize+2:]; len(rest) > fixed; {
		end := bytes.IndexByte(rest, 0) + 1
		clear(rest[end : end+table])
		rest = rest[end+fixed:]
	}
}
