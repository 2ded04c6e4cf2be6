package integration

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// statement is one statement of a script, with typed values written as
// {type:value}: {int8:42}, {text:it's}, {int8[]:1,2}, {uuid:NULL}. Between the
// values stand the parts of the text.
type statement struct {
	at     string // file and line
	parts  []string
	values []value
	// simple: several statements, or one that takes no parameters; sent as a
	// simple query in all forms.
	simple bool
}

// value is a typed value of a statement.
type value struct {
	typ  string
	text string
	null bool
}

var valueStart = regexp.MustCompile(`\{((?:int2|int4|int8|numeric|float8|text|varchar|uuid|bool|jsonb|date|timestamp|timestamptz|bytea)(?:\[\])?):`)

// parseStatement reads a template. Braces in a value must be in pairs.
func parseStatement(at, text string) (statement, error) {
	s := statement{at: at}
	for {
		m := valueStart.FindStringSubmatchIndex(text)
		if m == nil {
			s.parts = append(s.parts, text)
			return s, nil
		}
		depth, end := 1, -1
		for i := m[1]; i < len(text) && end < 0; i++ {
			switch text[i] {
			case '{':
				depth++
			case '}':
				if depth--; depth == 0 {
					end = i
				}
			}
		}
		if end < 0 {
			return s, fmt.Errorf("%s: a value without its closing brace", at)
		}
		v := value{typ: text[m[2]:m[3]], text: text[m[1]:end]}
		v.null = v.text == "NULL"
		s.parts = append(s.parts, text[:m[0]])
		s.values = append(s.values, v)
		text = text[end+1:]
	}
}

// readScript reads a file of statements. Each ends with a semicolon at the end
// of a line; a line that begins with -- is a comment, and --! simple says that
// the next statement is sent as a simple query always.
func readScript(t testing.TB, path string) []statement {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []statement
	var text strings.Builder
	simple, first, n := false, 0, 0
	for line := range strings.Lines(string(data)) {
		n++
		switch trimmed := strings.TrimSpace(line); {
		case text.Len() == 0 && trimmed == "--! simple":
			simple = true
			continue
		case text.Len() == 0 && (trimmed == "" || strings.HasPrefix(trimmed, "--")):
			continue
		case text.Len() == 0:
			first = n
		}
		text.WriteString(line)
		if !strings.HasSuffix(strings.TrimSpace(line), ";") {
			continue
		}
		sql := strings.TrimSuffix(strings.TrimSpace(text.String()), ";")
		s, err := parseStatement(fmt.Sprintf("%s:%d", path, first), sql)
		if err != nil {
			t.Fatal(err)
		}
		s.simple = simple
		list = append(list, s)
		simple = false
		text.Reset()
	}
	if text.Len() > 0 {
		t.Fatalf("%s:%d: a statement without its semicolon", path, first)
	}
	return list
}

// text is the statement with each value replaced.
func (s statement) text(replace func(i int, v value) string) string {
	var b strings.Builder
	for i, v := range s.values {
		b.WriteString(s.parts[i])
		b.WriteString(replace(i, v))
	}
	b.WriteString(s.parts[len(s.parts)-1])
	return b.String()
}

// literals is the statement with its values as literals: numbers as numbers
// unless all are to be quoted.
func (s statement) literals(quoted bool) string {
	return s.text(func(_ int, v value) string { return v.literal(quoted) })
}

// numbered is the statement with $1, $2 in place of its values.
func (s statement) numbered() string {
	return s.text(func(i int, _ value) string { return fmt.Sprintf("$%d", i+1) })
}

func (v value) literal(quoted bool) string {
	bare := false
	switch v.typ {
	case "int2", "int4", "int8", "numeric", "float8", "bool":
		bare = !quoted
	}
	switch {
	case v.null:
		return "NULL"
	case bare:
		return v.text
	case !quoted && strings.HasSuffix(v.typ, "[]"):
		return v.arrayConstructor()
	}
	return "'" + strings.ReplaceAll(v.external(), "'", "''") + "'"
}

// arrayConstructor is the value as ARRAY[...].
func (v value) arrayConstructor() string {
	element := strings.TrimSuffix(v.typ, "[]")
	if v.text == "" {
		return "ARRAY[]::" + v.typ
	}
	var list []string
	for _, e := range strings.Split(v.text, ",") {
		list = append(list, value{typ: element, text: e, null: e == "NULL"}.literal(false))
	}
	return "ARRAY[" + strings.Join(list, ", ") + "]"
}

// external is the value in the server's text form.
func (v value) external() string {
	if strings.HasSuffix(v.typ, "[]") {
		return "{" + v.text + "}"
	}
	return v.text
}

// oid is the type the value is declared with.
func (v value) oid(m *pgtype.Map) (uint32, error) {
	name := v.typ
	if element, ok := strings.CutSuffix(name, "[]"); ok {
		name = "_" + element
	}
	typ, ok := m.TypeForName(name)
	if !ok {
		return 0, fmt.Errorf("no type %q", v.typ)
	}
	return typ.OID, nil
}

// binary is the value in the binary form of a type.
func (v value) binary(m *pgtype.Map, oid uint32) ([]byte, error) {
	if v.null {
		return nil, nil
	}
	typ, ok := m.TypeForOID(oid)
	if !ok {
		return nil, fmt.Errorf("no type with OID %d", oid)
	}
	text := v.external()
	if oid == pgtype.UUIDOID { // the server reads more spellings than pgx
		text = strings.Trim(text, "{}")
	}
	decoded, err := typ.Codec.DecodeValue(m, oid, pgtype.TextFormatCode, []byte(text))
	if err != nil {
		return nil, fmt.Errorf("%s as %s: %w", v.text, typ.Name, err)
	}
	out, err := m.Encode(oid, pgtype.BinaryFormatCode, decoded, []byte{})
	if err != nil {
		return nil, fmt.Errorf("%s as %s: %w", v.text, typ.Name, err)
	}
	return out, nil
}

func TestTemplates(t *testing.T) {
	s, err := parseStatement("x", `SELECT {int8:-4}, '{"a": 1}', {text:it's}, {int8[]:1,NULL}, {uuid:{AB}}, {int4:NULL}`)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		s.literals(false): `SELECT -4, '{"a": 1}', 'it''s', ARRAY[1, NULL], '{AB}', NULL`,
		s.literals(true):  `SELECT '-4', '{"a": 1}', 'it''s', '{1,NULL}', '{AB}', NULL`,
		s.numbered():      `SELECT $1, '{"a": 1}', $2, $3, $4, $5`,
	} {
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	m := pgtype.NewMap()
	for typ, want := range map[value][]byte{
		{typ: "int8", text: "258"}:                                  {0, 0, 0, 0, 0, 0, 1, 2},
		{typ: "int2", text: "-1"}:                                   {255, 255},
		{typ: "text", text: "ä"}:                                    []byte("ä"),
		{typ: "int4[]", text: "7"}:                                  {0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 7},
		{typ: "bool", text: "true"}:                                 {1},
		{typ: "text", text: ""}:                                     {},
		{typ: "bytea", text: `\x0102`}:                              {1, 2},
		{typ: "uuid", text: "00000000-0000-0000-0000-0000000000AB"}: append(make([]byte, 15), 0xab),
	} {
		oid, err := typ.oid(m)
		if err != nil {
			t.Fatal(err)
		}
		got, err := typ.binary(m, oid)
		if err != nil || got == nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %v, %v, want %v", typ, got, err, want)
		}
	}
}
