package pgwire

import "encoding/binary"

// Column describes a column of a result (manual, section "Message Formats",
// RowDescription).
type Column struct {
	Name []byte // points into the frame
	// Table and Attribute name the table column it is; 0: it is none.
	Table     uint32
	Attribute int16
	Type      uint32
	Size      int16 // pg_type.typlen; negative: variable
	Modifier  int32 // pg_attribute.atttypmod
	Format    int16 // 0 as well where it is not known yet
}

// columnSize is what follows the name of a column.
const columnSize = 18

// RowDescription describes the rows that follow. A RowDescription is meant to
// be used again: decoding then allocates nothing.
type RowDescription struct {
	// Columns point into the frame.
	Columns []Column
	fixed   [][]byte // behind each column's name, in the frame
}

// Decode reads a whole RowDescription frame.
func (m *RowDescription) Decode(frame []byte) error {
	c := open(frame, MsgRowDescription)
	count := int(c.uint16())
	m.Columns, m.fixed = m.Columns[:0], m.fixed[:0]
	for range count {
		name := c.string()
		fixed := c.bytes(columnSize)
		if c.bad {
			break
		}
		m.Columns = append(m.Columns, Column{
			Name:      name,
			Table:     binary.BigEndian.Uint32(fixed),
			Attribute: int16(binary.BigEndian.Uint16(fixed[4:])),
			Type:      binary.BigEndian.Uint32(fixed[6:]),
			Size:      int16(binary.BigEndian.Uint16(fixed[10:])),
			Modifier:  int32(binary.BigEndian.Uint32(fixed[12:])),
			Format:    int16(binary.BigEndian.Uint16(fixed[16:])),
		})
		m.fixed = append(m.fixed, fixed)
	}
	if !c.end() {
		m.Columns, m.fixed = m.Columns[:0], m.fixed[:0]
		return malformed("RowDescription", reasonShort)
	}
	return nil
}

// SetType changes the type of column i, also in the frame it was decoded from.
func (m *RowDescription) SetType(i int, oid uint32) {
	m.Columns[i].Type = oid
	binary.BigEndian.PutUint32(m.fixed[i][6:], oid)
}

// SetFormat changes the format of column i, also in the frame it was decoded
// from.
func (m *RowDescription) SetFormat(i int, format int16) {
	m.Columns[i].Format = format
	binary.BigEndian.PutUint16(m.fixed[i][16:], uint16(format))
}

// AppendRowDescription writes a RowDescription. Names must hold no NUL; at
// most 65535 columns fit.
func AppendRowDescription(dst []byte, columns []Column) []byte {
	dst, mark := begin(dst, MsgRowDescription)
	dst = appendUint16(dst, uint16(len(columns)))
	for i := range columns {
		col := &columns[i]
		dst = appendString(dst, col.Name)
		dst = appendUint32(dst, col.Table)
		dst = appendUint16(dst, uint16(col.Attribute))
		dst = appendUint32(dst, col.Type)
		dst = appendUint16(dst, uint16(col.Size))
		dst = appendUint32(dst, uint32(col.Modifier))
		dst = appendUint16(dst, uint16(col.Format))
	}
	return finish(dst, mark)
}
