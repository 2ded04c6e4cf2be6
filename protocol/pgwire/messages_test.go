package pgwire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
	"pgregory.net/rapid"

	"shardproxy/protocol/sqlerr"
)

// encoded is a message as the independent implementation writes it.
func encoded(t testing.TB, m message) []byte {
	t.Helper()
	b, err := m.Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestAppenders: messages that are written but not decoded here.
func TestAppenders(t *testing.T) {
	for name, c := range map[string]struct {
		got  []byte
		want message
	}{
		"Sync":                 {AppendSync(nil), &pgproto3.Sync{}},
		"Flush":                {AppendFlush(nil), &pgproto3.Flush{}},
		"Terminate":            {AppendTerminate(nil), &pgproto3.Terminate{}},
		"CopyDone":             {AppendCopyDone(nil), &pgproto3.CopyDone{}},
		"ParseComplete":        {AppendParseComplete(nil), &pgproto3.ParseComplete{}},
		"BindComplete":         {AppendBindComplete(nil), &pgproto3.BindComplete{}},
		"CloseComplete":        {AppendCloseComplete(nil), &pgproto3.CloseComplete{}},
		"NoData":               {AppendNoData(nil), &pgproto3.NoData{}},
		"PortalSuspended":      {AppendPortalSuspended(nil), &pgproto3.PortalSuspended{}},
		"EmptyQueryResponse":   {AppendEmptyQueryResponse(nil), &pgproto3.EmptyQueryResponse{}},
		"AuthenticationOk":     {AppendAuthenticationOk(nil), &pgproto3.AuthenticationOk{}},
		"AuthenticationSASL":   {AppendAuthenticationSASL(nil, "A", "B"), &pgproto3.AuthenticationSASL{AuthMechanisms: []string{"A", "B"}}},
		"AuthenticationSASLC":  {AppendAuthenticationSASLContinue(nil, []byte("x")), &pgproto3.AuthenticationSASLContinue{Data: []byte("x")}},
		"AuthenticationSASLF":  {AppendAuthenticationSASLFinal(nil, []byte("x")), &pgproto3.AuthenticationSASLFinal{Data: []byte("x")}},
		"NegotiateProtocolVer": {AppendNegotiateProtocolVersion(nil, 3<<16|2, []string{"_pq_.a"}), &pgproto3.NegotiateProtocolVersion{NewestMinorProtocol: 3<<16 | 2, UnrecognizedOptions: []string{"_pq_.a"}}},
	} {
		if want := encoded(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s is %q, want %q", name, c.got, want)
		}
		prefixed := []byte("before")
		if b := append(prefixed, c.got...); !bytes.HasPrefix(b, []byte("before")) {
			t.Errorf("%s overwrites what it is appended to", name)
		}
	}
}

func TestAppendErrorResponse(t *testing.T) {
	e := sqlerr.SyntaxError(`syntax error at "a`+"\x00"+`b"`, 12).WithDetail("d").WithHint("h")
	var got pgproto3.ErrorResponse
	frame := AppendErrorResponse([]byte("before"), e)[len("before"):]
	if err := got.Decode(frame[HeaderSize:]); err != nil {
		t.Fatal(err)
	}
	want := pgproto3.ErrorResponse{
		Severity: "ERROR", SeverityUnlocalized: "ERROR", Code: "42601", Message: `syntax error at "ab"`,
		Detail: "d", Hint: "h", Position: 12,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	var report Report
	if err := report.Decode(frame); err != nil {
		t.Fatal(err)
	}
	for code, want := range map[byte]string{
		FieldSeverity: "ERROR", FieldSeverityPlain: "ERROR", FieldCode: "42601", FieldPosition: "12",
		FieldDetail: "d", FieldHint: "h", FieldMessage: `syntax error at "ab"`,
	} {
		if got := string(report.Field(code)); got != want {
			t.Errorf("field %q is %q, want %q", code, got, want)
		}
	}
	if report.Field(FieldWhere) != nil || report.Field('?') != nil {
		t.Error("a field that is not there is found")
	}
	if s := string(report.SQLState()) + string(report.Severity()) + string(report.Message()); s != `42601ERRORsyntax error at "ab"` {
		t.Errorf("accessors give %q", s)
	}
}

func TestReportOfOldServers(t *testing.T) {
	dst, mark := begin(nil, MsgErrorResponse)
	frame := finish(append(appendField(dst, FieldSeverity, "FEHLER"), 0), mark)
	var m Report
	if err := m.Decode(frame); err != nil || string(m.Severity()) != "FEHLER" {
		t.Fatalf("severity %q, %v", m.Severity(), err)
	}
}

func TestRows(t *testing.T) {
	for tag, want := range map[string]int64{
		"INSERT 0 5": 5, "SELECT 123456789012345678": 123456789012345678, "COPY 0": 0,
		"BEGIN": -1, "": -1, "CREATE TABLE": -1, "SELECT 1234567890123456789": -1, "X -1": -1, "X ": -1, "7": -1,
	} {
		m := CommandComplete{Tag: []byte(tag)}
		rows, ok := m.Rows()
		if ok != (want >= 0) || ok && rows != want {
			t.Errorf("%q: %d, %t", tag, rows, ok)
		}
	}
}

func TestBindParams(t *testing.T) {
	frame := encoded(t, &pgproto3.Bind{
		DestinationPortal: "p", PreparedStatement: "s",
		ParameterFormatCodes: []int16{0, 1, 0},
		Parameters:           [][]byte{[]byte("42"), {0, 0, 0, 7}, nil},
		ResultFormatCodes:    []int16{1},
	})
	var m Bind
	if err := m.Decode(frame); err != nil {
		t.Fatal(err)
	}
	if string(m.Portal) != "p" || string(m.Statement) != "s" || m.Params() != 3 {
		t.Fatalf("bind %q %q, %d parameters", m.Portal, m.Statement, m.Params())
	}
	for i, want := range []struct {
		value  string
		null   bool
		format int16
	}{{"42", false, 0}, {"\x00\x00\x00\x07", false, 1}, {"", true, 0}} {
		value, null, format := m.Param(i)
		if string(value) != want.value || null != want.null || format != want.format {
			t.Errorf("parameter %d: %q, %t, %d", i, value, null, format)
		}
	}
	if m.ResultFormats() != 1 || m.ResultFormat(0) != 1 || m.ResultFormat(9) != 1 {
		t.Error("one result format is for all columns")
	}
}

func TestBindRefusals(t *testing.T) {
	for name, m := range map[string]*pgproto3.Bind{
		"two formats for three parameters": {ParameterFormatCodes: []int16{0, 1}, Parameters: [][]byte{{}, {}, {}}},
		"two formats for none":             {ParameterFormatCodes: []int16{0, 1}},
	} {
		var b Bind
		if err := b.Decode(encoded(t, m)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestBindAppend: a rewritten Bind means what the old one did, with more
// parameters.
func TestBindAppend(t *testing.T) {
	param := rapid.Custom(func(t *rapid.T) Param {
		p := Param{Format: rapid.Int16Range(0, 1).Draw(t, "format")}
		if !rapid.Bool().Draw(t, "null") {
			p.Value = rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "value")
		}
		return p
	})
	rapid.Check(t, func(t *rapid.T) {
		old := rapid.SliceOfN(param, 0, 5).Draw(t, "parameters")
		extra := rapid.SliceOfN(param, 0, 3).Draw(t, "extra")
		o := pgproto3.Bind{PreparedStatement: "old", ResultFormatCodes: []int16{1, 0}}
		form := rapid.IntRange(0, 2).Draw(t, "form")
		for i := range old {
			switch form { // how the formats are given
			case 0:
				old[i].Format = 0
			case 1:
				old[i].Format = old[0].Format
				o.ParameterFormatCodes = []int16{old[0].Format}
			default:
				o.ParameterFormatCodes = append(o.ParameterFormatCodes, old[i].Format)
			}
			o.Parameters = append(o.Parameters, old[i].Value)
		}
		frame, err := o.Encode(nil)
		if err != nil {
			t.Fatal(err)
		}
		var m, again Bind
		if err := m.Decode(frame); err != nil {
			t.Fatal(err)
		}
		out, err := m.Append([]byte("x"), []byte("portal"), []byte("new"), extra...)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.Decode(out[1:]); err != nil {
			t.Fatal(err)
		}
		if string(again.Portal) != "portal" || string(again.Statement) != "new" || again.ResultFormat(0) != 1 || again.ResultFormat(1) != 0 {
			t.Fatalf("rewritten as %q", out)
		}
		want := append(old, extra...)
		if again.Params() != len(want) {
			t.Fatalf("%d parameters, want %d", again.Params(), len(want))
		}
		for i, p := range want {
			value, null, format := again.Param(i)
			if !bytes.Equal(value, p.Value) || null != (p.Value == nil) || format != p.Format {
				t.Fatalf("parameter %d is %q, %t, %d; want %+v", i, value, null, format, p)
			}
		}
	})
}

func TestBindAppendTooMany(t *testing.T) {
	var m Bind
	if err := m.Decode(AppendBind(nil, "", "", make([]Param, MaxParams), nil)); err != nil {
		t.Fatal(err)
	}
	if m.Params() != MaxParams {
		t.Fatalf("%d parameters", m.Params())
	}
	dst := []byte("before")
	if out, err := m.Append(dst, nil, nil, Param{}); !errors.Is(err, ErrTooManyParams) || string(out) != "before" {
		t.Fatalf("%q, %v", out, err)
	}
}

func TestRewritingInPlace(t *testing.T) {
	row := AppendRowDescription(nil, []Column{{Name: []byte("a"), Type: 1}, {Name: []byte("b"), Type: 2}})
	var r RowDescription
	if err := r.Decode(row); err != nil {
		t.Fatal(err)
	}
	r.SetType(1, 99)
	r.SetFormat(0, 1)
	want := AppendRowDescription(nil, []Column{{Name: []byte("a"), Type: 1, Format: 1}, {Name: []byte("b"), Type: 99}})
	if !bytes.Equal(row, want) || r.Columns[1].Type != 99 {
		t.Errorf("row description %q, want %q", row, want)
	}
	params := AppendParameterDescription(nil, []uint32{1, 2})
	var p ParameterDescription
	if err := p.Decode(params); err != nil {
		t.Fatal(err)
	}
	p.SetOID(0, 99)
	if want := AppendParameterDescription(nil, []uint32{99, 2}); !bytes.Equal(params, want) {
		t.Errorf("parameter description %q, want %q", params, want)
	}
	parse := AppendParse(nil, "s", "q", []uint32{1, 2})
	var m Parse
	if err := m.Decode(parse); err != nil {
		t.Fatal(err)
	}
	m.SetParamOID(1, 99)
	if want := AppendParse(nil, "s", "q", []uint32{1, 99}); !bytes.Equal(parse, want) {
		t.Errorf("parse %q, want %q", parse, want)
	}
	if want := AppendParse(nil, "t", "q", []uint32{1, 99}); !bytes.Equal(m.Append(nil, []byte("t")), want) {
		t.Errorf("renamed %q, want %q", m.Append(nil, []byte("t")), want)
	}
	if m.ParamOID(2) != 0 || m.ParamOID(-1) != 0 {
		t.Error("a type that is not given is not left to the server")
	}
}

func TestCheckEmpty(t *testing.T) {
	if err := CheckEmpty(AppendSync(nil), MsgSync); err != nil {
		t.Error(err)
	}
	for _, frame := range [][]byte{nil, AppendFlush(nil), {MsgSync, 0, 0, 0, 5, 0}, {MsgSync, 0, 0, 0, 5}} {
		err := CheckEmpty(frame, MsgSync)
		if !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v", frame, err)
		}
		if e := sqlerr.From(err); e.SQLState != "08P01" || e.Message != "malformed Sync message: too few or too many bytes" {
			t.Errorf("%q: the client sees %v", frame, e)
		}
	}
}

func TestNames(t *testing.T) {
	types := 0
	for typ := range 256 {
		if FrontendName(byte(typ)) != "" {
			types++
		}
		if name := BackendName(byte(typ)); (name != "") != (BackendLimits(1000).max[typ] != 0) {
			t.Errorf("type 0x%02x: name %q, limit %d", typ, name, BackendLimits(1000).max[typ])
		}
	}
	if types != 14 {
		t.Errorf("%d types of a client, want 14", types)
	}
}
