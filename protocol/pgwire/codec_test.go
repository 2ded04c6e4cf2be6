package pgwire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgproto3"
)

// message is what the independent implementation's messages can do.
type message interface {
	Decode(body []byte) error
	Encode(dst []byte) ([]byte, error)
}

// codec is a message with both implementations of it.
type codec struct {
	name string
	typ  byte
	// recode decodes a frame and writes it again from what was decoded.
	recode func(frame []byte) ([]byte, error)
	// oracle is the independent implementation; nil: it has none that can be
	// compared.
	oracle func() message
	// examples are frames.
	examples [][]byte
}

// codecs are all messages this package decodes.
func codecs() []codec {
	return append(append(frontendCodecs(), backendCodecs()...), copyCodecs()...)
}

func frontendCodecs() []codec {
	return []codec{
		{
			"Query", MsgQuery,
			func(f []byte) ([]byte, error) {
				var m Query
				err := m.Decode(f)
				return AppendQuery(nil, m.Text), err
			},
			func() message { return new(pgproto3.Query) },
			[][]byte{AppendQuery(nil, ""), AppendQuery(nil, "select 1")},
		},
		{
			"Parse", MsgParse,
			func(f []byte) ([]byte, error) {
				var m Parse
				err := m.Decode(f)
				var oids []uint32
				for i := range m.ParamOIDs() {
					oids = append(oids, m.ParamOID(i))
				}
				out := AppendParse(nil, m.Name, m.Query, oids)
				if err == nil && !bytes.Equal(out, m.Append(nil, m.Name)) {
					err = errors.New("the two ways to write it differ")
				}
				return out, err
			},
			func() message { return new(pgproto3.Parse) },
			[][]byte{AppendParse(nil, "", "", nil), AppendParse(nil, "s", "select $1, $2", []uint32{23, 0})},
		},
		{
			"Bind", MsgBind,
			func(f []byte) ([]byte, error) {
				var m Bind
				if err := m.Decode(f); err != nil {
					return nil, err
				}
				return m.Append(nil, m.Portal, m.Statement)
			},
			func() message { return new(pgproto3.Bind) },
			[][]byte{
				AppendBind(nil, "", "", nil, nil),
				AppendBind(nil, "p", "s", []Param{{Value: []byte("x")}, {}, {Value: []byte{}, Format: 1}}, []int16{0, 1}),
				{'B', 0, 0, 0, 18, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0},
			},
		},
		{
			"Describe", MsgDescribe,
			func(f []byte) ([]byte, error) {
				var m Describe
				err := m.Decode(f)
				return AppendDescribe(nil, m.Kind, m.Name), err
			},
			func() message { return new(pgproto3.Describe) },
			[][]byte{AppendDescribe(nil, KindPortal, ""), AppendDescribe(nil, KindStatement, "s")},
		},
		{
			"Close", MsgClose,
			func(f []byte) ([]byte, error) {
				var m Close
				err := m.Decode(f)
				return AppendClose(nil, m.Kind, m.Name), err
			},
			func() message { return new(pgproto3.Close) },
			[][]byte{AppendClose(nil, KindPortal, ""), AppendClose(nil, KindStatement, "s")},
		},
		{
			"Execute", MsgExecute,
			func(f []byte) ([]byte, error) {
				var m Execute
				err := m.Decode(f)
				return AppendExecute(nil, m.Portal, m.MaxRows), err
			},
			func() message { return new(pgproto3.Execute) },
			[][]byte{AppendExecute(nil, "", 0), AppendExecute(nil, "p", 100), AppendExecute(nil, "p", -1)},
		},
		{
			"SASLInitialResponse", MsgPassword,
			func(f []byte) ([]byte, error) {
				var m SASLInitialResponse
				if err := m.Decode(f); err != nil {
					return nil, err
				}
				dst, mark := begin(nil, MsgPassword)
				return finish(appendValue(appendString(dst, m.Mechanism), m.Data), mark), nil
			},
			nil,
			[][]byte{
				{'p', 0, 0, 0, 10, 'A', 0, 0xff, 0xff, 0xff, 0xff},
				{'p', 0, 0, 0, 12, 'A', 0, 0, 0, 0, 2, 'x', 'y'},
			},
		},
		{
			"SASLResponse", MsgPassword,
			func(f []byte) ([]byte, error) {
				var m SASLResponse
				err := m.Decode(f)
				dst, mark := begin(nil, MsgPassword)
				return finish(append(dst, m.Data...), mark), err
			},
			func() message { return new(pgproto3.SASLResponse) },
			[][]byte{{'p', 0, 0, 0, 4}, {'p', 0, 0, 0, 5, 'x'}},
		},
	}
}

func backendCodecs() []codec {
	return []codec{
		{
			"CommandComplete", MsgCommandComplete,
			func(f []byte) ([]byte, error) {
				var m CommandComplete
				err := m.Decode(f)
				return AppendCommandComplete(nil, m.Tag), err
			},
			func() message { return new(pgproto3.CommandComplete) },
			[][]byte{AppendCommandComplete(nil, "SELECT 1"), AppendCommandComplete(nil, "")},
		},
		{
			"ReadyForQuery", MsgReadyForQuery,
			func(f []byte) ([]byte, error) {
				var m ReadyForQuery
				err := m.Decode(f)
				return AppendReadyForQuery(nil, m.Status), err
			},
			func() message { return new(pgproto3.ReadyForQuery) },
			[][]byte{AppendReadyForQuery(nil, TxIdle), AppendReadyForQuery(nil, TxFailed)},
		},
		{
			"RowDescription", MsgRowDescription,
			func(f []byte) ([]byte, error) {
				var m RowDescription
				err := m.Decode(f)
				return AppendRowDescription(nil, m.Columns), err
			},
			func() message { return new(pgproto3.RowDescription) },
			[][]byte{
				AppendRowDescription(nil, nil),
				AppendRowDescription(nil, []Column{
					{Name: []byte("id"), Table: 1 << 31, Attribute: -1, Type: 20, Size: 8, Modifier: -1, Format: 1},
					{Name: []byte(""), Type: 25, Size: -1, Modifier: 5},
				}),
			},
		},
		{
			"DataRow", MsgDataRow,
			func(f []byte) ([]byte, error) {
				var m DataRow
				err := m.Decode(f)
				return AppendDataRow(nil, m.Values), err
			},
			func() message { return new(pgproto3.DataRow) },
			[][]byte{AppendDataRow(nil, nil), AppendDataRow(nil, [][]byte{nil, {}, []byte("x")})},
		},
		{
			"ParameterDescription", MsgParameterDescription,
			func(f []byte) ([]byte, error) {
				var m ParameterDescription
				err := m.Decode(f)
				var oids []uint32
				for i := range m.OIDs() {
					oids = append(oids, m.OID(i))
				}
				return AppendParameterDescription(nil, oids), err
			},
			func() message { return new(pgproto3.ParameterDescription) },
			[][]byte{AppendParameterDescription(nil, nil), AppendParameterDescription(nil, []uint32{20, 1 << 31})},
		},
		{
			"ParameterStatus", MsgParameterStatus,
			func(f []byte) ([]byte, error) {
				var m ParameterStatus
				err := m.Decode(f)
				return AppendParameterStatus(nil, m.Name, m.Value), err
			},
			func() message { return new(pgproto3.ParameterStatus) },
			[][]byte{AppendParameterStatus(nil, "TimeZone", "UTC")},
		},
		{
			"BackendKeyData", MsgBackendKeyData,
			func(f []byte) ([]byte, error) {
				var m BackendKeyData
				err := m.Decode(f)
				return AppendBackendKeyData(nil, m.PID, m.Secret), err
			},
			func() message { return new(pgproto3.BackendKeyData) },
			[][]byte{AppendBackendKeyData(nil, 1<<31, []byte("abcd")), AppendBackendKeyData(nil, 1, make([]byte, 256))},
		},
		{
			"NotificationResponse", MsgNotificationResponse,
			func(f []byte) ([]byte, error) {
				var m NotificationResponse
				err := m.Decode(f)
				dst, mark := begin(nil, MsgNotificationResponse)
				dst = appendString(appendString(appendUint32(dst, m.PID), m.Channel), m.Payload)
				return finish(dst, mark), err
			},
			func() message { return new(pgproto3.NotificationResponse) },
			[][]byte{{'A', 0, 0, 0, 12, 0, 0, 0, 9, 'c', 0, 'p', 0}},
		},
		{
			"ErrorResponse", MsgErrorResponse, recodeReport, nil,
			[][]byte{withLength([]byte("E????SERROR\x00Mno\x00\x00")), {'E', 0, 0, 0, 5, 0}},
		},
		{
			"NoticeResponse", MsgNoticeResponse, recodeReport, nil,
			[][]byte{AppendNotice(nil, "NOTICE", "00000", "m", "d", "h")},
		},
	}
}

// recodeReport writes a report's fields again.
func recodeReport(frame []byte) ([]byte, error) {
	var m Report
	if err := m.Decode(frame); err != nil {
		return nil, err
	}
	dst, mark := begin(nil, frame[0])
	return finish(append(append(dst, m.fields...), 0), mark), nil
}

func copyCodecs() []codec {
	response := func(f []byte) ([]byte, error) {
		var m CopyResponse
		if err := m.Decode(f); err != nil {
			return nil, err
		}
		dst, mark := begin(nil, f[0])
		dst = appendUint16(append(dst, m.Format), uint16(m.Columns()))
		for i := range m.Columns() {
			dst = appendUint16(dst, uint16(m.ColumnFormat(i)))
		}
		return finish(dst, mark), nil
	}
	return []codec{
		{
			"CopyInResponse", MsgCopyInResponse, response,
			func() message { return new(pgproto3.CopyInResponse) },
			[][]byte{AppendCopyInResponse(nil, FormatText, 0), AppendCopyInResponse(nil, FormatBinary, 3)},
		},
		{
			"CopyOutResponse", MsgCopyOutResponse, response,
			func() message { return new(pgproto3.CopyOutResponse) },
			[][]byte{AppendCopyOutResponse(nil, FormatText, 2)},
		},
		{
			"CopyBothResponse", MsgCopyBothResponse, response,
			func() message { return new(pgproto3.CopyBothResponse) },
			[][]byte{{'W', 0, 0, 0, 7, 0, 0, 0}},
		},
		{
			"CopyData", MsgCopyData,
			func(f []byte) ([]byte, error) {
				var m CopyData
				err := m.Decode(f)
				return AppendCopyData(nil, m.Data), err
			},
			func() message { return new(pgproto3.CopyData) },
			[][]byte{AppendCopyData(nil, nil), AppendCopyData(nil, []byte("1\tx\n"))},
		},
		{
			"CopyFail", MsgCopyFail,
			func(f []byte) ([]byte, error) {
				var m CopyFail
				err := m.Decode(f)
				return AppendCopyFail(nil, m.Message), err
			},
			func() message { return new(pgproto3.CopyFail) },
			[][]byte{AppendCopyFail(nil, "no"), AppendCopyFail(nil, "")},
		},
	}
}

// check decodes a frame and compares with the independent implementation. It
// reports whether the frame was accepted.
func (c *codec) check(t testing.TB, frame []byte) bool {
	t.Helper()
	original := bytes.Clone(frame)
	again, err := c.recode(frame)
	if !bytes.Equal(frame, original) {
		t.Fatalf("%s: decoding changed the frame", c.name)
	}
	if err != nil {
		if !errors.Is(err, ErrMalformed) {
			t.Fatalf("%s: %q gives %v", c.name, frame, err)
		}
		return false
	}
	if !bytes.Equal(again, frame) {
		t.Fatalf("%s: %q is written as %q", c.name, frame, again)
	}
	if c.oracle == nil {
		return true
	}
	o := c.oracle()
	if err := o.Decode(frame[HeaderSize:]); err != nil {
		t.Fatalf("%s: we accept %q, the other implementation says %v", c.name, frame, err)
	}
	other, err := o.Encode(nil)
	if err != nil || !bytes.Equal(other, frame) {
		t.Fatalf("%s: %q is %q for the other implementation (%v)", c.name, frame, other, err)
	}
	return true
}

func TestCodecs(t *testing.T) {
	for _, c := range codecs() {
		t.Run(c.name, func(t *testing.T) {
			for _, frame := range c.examples {
				if !c.check(t, frame) {
					t.Fatalf("%q is refused", frame)
				}
				c.refusesDamage(t, frame)
			}
		})
	}
}

// refusesDamage: what is shorter, longer, of another type or announces another
// length than it has is refused or is still consistent, and never panics.
func (c *codec) refusesDamage(t *testing.T, frame []byte) {
	t.Helper()
	for n := range len(frame) {
		if _, err := c.recode(frame[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("the first %d bytes of %q: %v", n, frame, err)
		}
		if n >= HeaderSize {
			c.check(t, withLength(frame[:n]))
		}
	}
	if _, err := c.recode(append(bytes.Clone(frame), 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("%q and a byte more: %v", frame, err)
	}
	c.check(t, withLength(append(bytes.Clone(frame), 0)))
	other := bytes.Clone(frame)
	other[0] = '~'
	if _, err := c.recode(other); !errors.Is(err, ErrMalformed) {
		t.Errorf("%q: %v", other, err)
	}
}

// withLength is a copy of a frame with the length it has.
func withLength(frame []byte) []byte {
	b := bytes.Clone(frame)
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)-1))
	return b
}

func FuzzDecoders(f *testing.F) {
	all := codecs()
	for i, c := range all {
		for _, frame := range c.examples {
			f.Add(byte(i), frame[HeaderSize:])
		}
	}
	f.Add(byte(2), []byte("\x00\x00\x00\x02\x00\x00\x00\x01\x00\x01\x7f\xff\xff\xff\x00\x00"))
	f.Add(byte(2), []byte("\x00\x00\x00\x00\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, which byte, body []byte) {
		c := all[int(which)%len(all)]
		c.check(t, withLength(append([]byte{c.typ, 0, 0, 0, 0}, body...)))
	})
}
