package pgsession

import (
	"bytes"
	"encoding/binary"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// A server refuses to run a prepared statement whose result has other columns
// than it had at first, since the client may go by what it was told then. Behind
// the proxy the statement may have been prepared anew since, on any node, so that
// no server would notice: the proxy does.

// told is what a client knows of the result of a named statement.
type told struct {
	form  string         // see appendForm
	known bool           // the client was told
	epoch topology.Epoch // when form was last found to be true
	path  string
}

// tell notes that the client sees this description of a statement; no frame: the
// statement returns nothing. Types are in the home node's terms.
func (m *machine) tell(p *prepared, frame []byte) {
	if p == nil || p.name == "" {
		return
	}
	m.form = appendForm(m.form[:0], frame)
	t := &p.told
	t.known, t.epoch, t.path = true, p.epoch, p.path
	if t.form != string(m.form) {
		t.form = string(m.form)
	}
}

// columnsKept reports whether a statement that is about to be bound still returns
// what the client was told. What is not known is asked for first: the batch waits.
func (m *machine) columnsKept(o *op, p *prepared) bool {
	t := &p.told
	if !t.known || t.epoch == p.epoch && t.path == p.path || m.describedHere(o) {
		return true
	}
	if p.signature == nil {
		m.batch.first = &describeTask{statement: p}
		return true
	}
	if p.signature.form != t.form {
		return false
	}
	t.epoch, t.path = p.epoch, p.path
	return true
}

// describedHere reports whether the batch goes on with a Describe of the portal
// that o makes: the client will know better.
func (m *machine) describedHere(o *op) bool {
	for _, message := range m.batch.messages[len(m.batch.ops):] {
		var msg pgwire.Describe
		if message.typ == pgwire.MsgDescribe && msg.Decode(message.frame) == nil &&
			msg.Kind == pgwire.KindPortal && bytes.Equal(msg.Name, o.bind.Portal) {
			return true
		}
	}
	return false
}

// errColumnsChanged is the server's error, with the routine by which drivers tell
// it from others of its SQLSTATE and prepare the statement anew.
func errColumnsChanged() error {
	frame := pgwire.AppendErrorResponse(nil, sqlerr.NotSupported("cached plan must not change result type"))
	frame = append(frame[:len(frame)-1], pgwire.FieldRoutine)
	frame = append(append(frame, "RevalidateCachedQuery"...), 0, 0)
	binary.BigEndian.PutUint32(frame[1:], uint32(len(frame)-1))
	return newServerError(frame)
}

// appendForm appends what must not change of a RowDescription: names, types and
// their modifiers. Tables differ from node to node, formats from Bind to Bind.
func appendForm(dst, frame []byte) []byte {
	if len(frame) < pgwire.HeaderSize+2 {
		return dst
	}
	const table, format = 6, 2 // bytes: OID and number of the column; format code
	for rest := frame[pgwire.HeaderSize+2:]; ; {
		end := bytes.IndexByte(rest, 0) + 1
		if end == 0 || len(rest) < end+table+10+format {
			return dst
		}
		dst = append(dst, rest[:end]...)
		dst = append(dst, rest[end+table:end+table+10]...)
		rest = rest[end+table+10+format:]
	}
}
