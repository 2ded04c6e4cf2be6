package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// form is a way to send a statement with values.
type form struct {
	name    string
	quoted  bool // literals in quotes
	params  bool // parameters, not literals
	binary  bool // parameters and results in binary
	typed   bool // parameters' types are declared
	prepare bool // prepared and described ahead, as drivers do
}

var forms = []form{
	{name: "literals"},
	{name: "quoted literals", quoted: true},
	{name: "text parameters", params: true},
	{name: "typed text parameters", params: true, typed: true},
	{name: "typed binary parameters", params: true, typed: true, binary: true},
	{name: "prepared, binary parameters", params: true, binary: true, prepare: true},
}

// answer is what a server said to a statement.
type answer struct {
	Results []result
	Err     *pgconn.PgError
	// Status of the transaction afterwards: I, T, E.
	Status string
	// Parameters are the types a prepared statement wants.
	Parameters []uint32
	// Unsendable says why a value has no binary form of such a type: a driver
	// would fail there too.
	Unsendable string
}

// result is the answer to one statement of a text.
type result struct {
	Columns []string // name and type
	Rows    []string
	Tag     string
}

func (r *result) add(row [][]byte) {
	values := make([]string, len(row))
	for i, v := range row {
		values[i] = "NULL"
		if v != nil {
			values[i] = fmt.Sprintf("%q", v)
		}
	}
	r.Rows = append(r.Rows, strings.Join(values, "|"))
}

// client sends statements on one connection.
type client struct {
	conn    *pgconn.PgConn
	types   *pgtype.Map
	names   map[uint32]string // of user-defined types
	n       int               // prepared statements made
	differs []string          // columns whose values are not compared
}

func newClient(conn *pgconn.PgConn) *client {
	return &client{conn: conn, types: pgtype.NewMap(), names: make(map[uint32]string)}
}

// run sends a statement. The error is of the connection or of the test; what the
// server says is in the answer.
func (c *client) run(ctx context.Context, s statement, f form) (answer, error) {
	var a answer
	var err error
	switch {
	case s.simple || !f.params:
		err = c.simple(ctx, s.literals(f.quoted), &a)
	default:
		err = c.extended(ctx, s, f, &a)
	}
	if err != nil {
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || c.conn.IsClosed() {
			return a, fmt.Errorf("%s: %w", s.at, err)
		}
		a.Err = pg
	}
	a.Status = string(c.conn.TxStatus())
	if a.Err == nil {
		err = c.nameTypes(ctx, &a)
	} else {
		err = nil // the server's answer
	}
	return a, err
}

func (c *client) simple(ctx context.Context, sql string, a *answer) error {
	reader := c.conn.Exec(ctx, sql)
	for reader.NextResult() {
		a.Results = append(a.Results, result{})
		if err := c.read(reader.ResultReader(), &a.Results[len(a.Results)-1]); err != nil {
			break // Close returns it too
		}
	}
	return reader.Close()
}

func (c *client) read(reader *pgconn.ResultReader, r *result) error {
	var blank []int
	for i, f := range reader.FieldDescriptions() {
		if slices.Contains(c.differs, f.Name) {
			blank = append(blank, i)
		}
		r.Columns = append(r.Columns, fmt.Sprintf("%s %d(%d) format %d", f.Name, f.DataTypeOID, f.TypeModifier, f.Format))
	}
	for reader.NextRow() {
		row := reader.Values()
		for _, i := range blank {
			row[i] = []byte("differs")
		}
		r.add(row)
	}
	tag, err := reader.Close()
	r.Tag = tag.String()
	return err
}

func (c *client) extended(ctx context.Context, s statement, f form, a *answer) error {
	oids := make([]uint32, len(s.values))
	if f.typed {
		for i, v := range s.values {
			oid, err := v.oid(c.types)
			if err != nil {
				return err
			}
			oids[i] = oid
		}
	}
	name := ""
	if f.prepare {
		c.n++
		name = fmt.Sprintf("s%d", c.n)
		described, err := c.conn.Prepare(ctx, name, s.numbered(), oids)
		if err != nil {
			return err
		}
		defer func() { _ = c.conn.Deallocate(ctx, name) }() // a broken connection shows in the next statement
		oids = described.ParamOIDs
		a.Parameters = oids
	}
	format := int16(pgtype.TextFormatCode)
	if f.binary {
		format = pgtype.BinaryFormatCode
	}
	values, err := c.encode(s, oids, format)
	if err != nil {
		a.Unsendable = err.Error()
		return nil
	}
	formats := []int16{format}
	var reader *pgconn.ResultReader
	if f.prepare {
		reader = c.conn.ExecPrepared(ctx, name, values, formats, formats)
	} else {
		reader = c.conn.ExecParams(ctx, s.numbered(), values, oids, formats, formats)
	}
	a.Results = []result{{}}
	return c.read(reader, &a.Results[0])
}

func (c *client) encode(s statement, oids []uint32, format int16) ([][]byte, error) {
	values := make([][]byte, len(s.values))
	for i, v := range s.values {
		switch {
		case v.null:
		case format == pgtype.TextFormatCode:
			values[i] = []byte(v.external())
		default:
			b, err := v.binary(c.types, oids[i])
			if err != nil {
				return nil, fmt.Errorf("%s: $%d: %w", s.at, i+1, err)
			}
			values[i] = b
		}
	}
	return values, nil
}

// firstUserOID is the smallest OID of what users make.
const firstUserOID = 16384

// nameTypes replaces the OIDs of user-defined types, which differ per server, by
// their names.
func (c *client) nameTypes(ctx context.Context, a *answer) error {
	for _, r := range a.Results {
		for i, column := range r.Columns {
			var name, rest string
			var oid uint32
			at := strings.LastIndexByte(column[:strings.LastIndexByte(column, '(')], ' ')
			name, rest = column[:at], column[at+1:]
			if _, err := fmt.Sscanf(rest, "%d(", &oid); err != nil || oid < firstUserOID {
				continue
			}
			if c.names[oid] == "" && a.Status != "E" {
				reader := c.conn.ExecParams(ctx, "SELECT format_type($1, NULL)", [][]byte{fmt.Append(nil, oid)}, nil, nil, nil).Read()
				if reader.Err != nil {
					return reader.Err
				}
				c.names[oid] = string(reader.Rows[0][0])
			}
			r.Columns[i] = name + " " + c.names[oid] + rest[strings.IndexByte(rest, '('):]
		}
	}
	return nil
}

// difference compares what two servers said. Rows of a statement without an
// order of its own are a set in which rows may repeat.
func difference(want, got answer, ordered bool) string {
	if want.Err != nil || got.Err != nil {
		return cmp.Diff(failure(want), failure(got)) // rows before an error are nothing to rely on
	}
	if !ordered {
		for _, a := range []answer{want, got} {
			for _, r := range a.Results {
				slices.Sort(r.Rows)
			}
		}
	}
	return cmp.Diff(want, got)
}

// failure is what must be equal of an error: its SQLSTATE, and of an error in
// the data everything that applications look at.
func failure(a answer) []string {
	if a.Err == nil {
		return []string{"no error", "status " + a.Status}
	}
	list := []string{a.Err.Code, "status " + a.Status}
	if strings.HasPrefix(a.Err.Code, "23") || strings.HasPrefix(a.Err.Code, "22") {
		list = append(list, a.Err.Message, a.Err.Detail, a.Err.SchemaName, a.Err.TableName, a.Err.ColumnName, a.Err.ConstraintName)
	}
	return list
}

// ordered reports whether a text has an ORDER BY outside of parentheses.
func ordered(sql string) bool {
	depth := 0
	for i := range len(sql) {
		switch sql[i] {
		case '(':
			depth++
		case ')':
			depth--
		case 'O', 'o':
			if depth == 0 && len(sql) >= i+8 && strings.EqualFold(sql[i:i+8], "ORDER BY") {
				return true
			}
		}
	}
	return false
}

// refusal reports whether an error is one the documentation says the proxy
// gives where a server would not: a form it does not support, or a key that
// cannot be placed.
func refusal(err *pgconn.PgError) bool {
	if err == nil {
		return false
	}
	switch err.Code {
	case "0A000":
		return true
	case "22P02":
		return strings.HasPrefix(err.Message, "invalid value for shard key")
	case "23502":
		return strings.HasPrefix(err.Message, "null value in shard key")
	}
	return false
}
