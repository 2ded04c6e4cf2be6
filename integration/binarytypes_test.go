package integration

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Values that hold OIDs in binary form pass at home only; others pass everywhere,
// byte for byte.
func binaryValues(t *testing.T, p *typed) {
	tests := []struct {
		column  string
		refused bool
	}{
		{"m", false},
		{"g", false},
		{"s", false},
		{"ns", false},
		{"multirange(s)", false},
		{"p", true},
		{"ms", true},
		{"ROW(m)", true},
		{"ROW(1)", true},
		{"array_agg(m)", true},
		{"feelings", true},
		{"array_agg(feelings)", true},
	}
	conn := p.connect()
	for _, tt := range tests {
		truth := send(p.node(p.home), "SELECT "+tt.column+" FROM feelings", pgx.BinaryFormatCode)
		if truth.Err != nil {
			t.Fatal(truth.Err)
		}
		for node, key := range p.keys {
			sql := fmt.Sprintf("SELECT %s FROM feelings WHERE user_id = %d", tt.column, key)
			r := send(conn, sql, pgx.BinaryFormatCode)
			if text := send(conn, sql, pgx.TextFormatCode); text.Err != nil || len(text.Rows) != 1 {
				t.Errorf("node %d: %s as text: %v", node+1, tt.column, text.Err)
			}
			if tt.refused && node != p.home {
				wantRefused(t, fmt.Sprint("node ", node+1, ": ", tt.column), r.Err)
				continue
			}
			if tt.column == "feelings" || tt.column == "array_agg(feelings)" {
				continue // of another user
			}
			if r.Err != nil || len(r.Rows) != 1 || !bytes.Equal(truth.Rows[0][0], r.Rows[0][0]) {
				t.Errorf("node %d: %s: %v, %v; at home %x", node+1, tt.column, r.Rows, r.Err, truth.Rows)
			}
		}
		all := send(conn, "SELECT "+tt.column+" FROM feelings", pgx.BinaryFormatCode)
		switch {
		case tt.refused && !strings.Contains(tt.column, "agg"):
			wantRefused(t, "over all nodes: "+tt.column, all.Err)
		case !tt.refused && (all.Err != nil || len(all.Rows) != len(p.keys)):
			t.Errorf("over all nodes: %s: %v", tt.column, all.Err)
		}
	}
}

func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "0A000" || !strings.Contains(pg.Message, "in binary format") || !strings.Contains(pg.Hint, "text format") {
		t.Errorf("%s: got %v, want a refusal of the binary format", what, err)
	}
}

// Parameters alike, declared or not, prepared or not; and writes leave nothing
// behind.
func binaryParameters(t *testing.T, p *typed) {
	conn := p.connect()
	oids := p.seen()
	home := p.node(p.home)
	inBinary := func(value string) []byte {
		r := send(home, "SELECT "+value, pgx.BinaryFormatCode)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		return r.Rows[0][0]
	}
	tests := []struct {
		column, typ, value string
		refused            bool
	}{
		{"m", "mood", "'happy'::mood", false},
		{"g", "grade", "4::grade", false},
		{"s", "swing", "'[ok,happy]'::swing", false},
		{"ms", "_mood", "'{happy}'::mood[]", true},
		{"ms", "_mood", "'{}'::mood[]", true},
		{"p", "pair", "'(ok,1)'::pair", true},
	}
	for i, tt := range tests {
		for node, key := range p.keys {
			for _, declared := range []uint32{0, oids[tt.typ]} {
				what := fmt.Sprintf("node %d: %s as %d", node+1, tt.value, declared)
				value := param{inBinary(tt.value), declared, pgx.BinaryFormatCode}
				sql := fmt.Sprintf("UPDATE feelings SET %s = $1 WHERE user_id = %d AND %d = %[3]d", tt.column, key, i)
				r := send(conn, sql, pgx.TextFormatCode, value)
				p.checkWrite(t, what, tt.refused && node != p.home, r)
				name := fmt.Sprint("w", i, node, declared)
				if _, err := conn.PgConn().Prepare(t.Context(), name, sql+" ", []uint32{declared}); err != nil {
					t.Fatal(err)
				}
				r = conn.PgConn().ExecPrepared(t.Context(), name, [][]byte{value.value}, []int16{1}, nil).Read()
				p.checkWrite(t, what+", prepared", tt.refused && node != p.home, r)
			}
			if tt.refused && node != p.home {
				got := query(t, p.node(node), fmt.Sprintf("SELECT %s = %s FROM feelings WHERE user_id = %d", tt.column, tt.value, key))
				if got[0] != "false" {
					t.Errorf("node %d: a refused write took effect", node+1)
				}
			}
		}
	}
	for node, key := range p.keys { // a write that would return what is refused
		before := query(t, conn, fmt.Sprintf("SELECT g FROM feelings WHERE user_id = %d", key))
		r := send(conn, fmt.Sprintf("UPDATE feelings SET g = 5 - g WHERE user_id = %d RETURNING ms", key), pgx.BinaryFormatCode)
		if node == p.home {
			p.checkWrite(t, "RETURNING at home", false, r)
			continue
		}
		wantRefused(t, "RETURNING", r.Err)
		if diff := cmp.Diff(before, query(t, conn, fmt.Sprintf("SELECT g FROM feelings WHERE user_id = %d", key))); diff != "" {
			t.Errorf("node %d: a refused write took effect: %s", node+1, diff)
		}
	}
}

func (p *typed) checkWrite(t *testing.T, what string, refused bool, r *pgconn.Result) {
	t.Helper()
	switch {
	case refused:
		wantRefused(t, what, r.Err)
	case r.Err != nil || r.CommandTag.String() != "UPDATE 1":
		t.Errorf("%s: %v %v", what, r.CommandTag, r.Err)
	}
}

// What may run on any node runs at home where it must.
func binaryValuesWithoutTable(t *testing.T, p *typed) {
	conn := p.connect()
	oids := p.seen()
	other := (p.home + 1) % len(p.nodes)
	for i := range 8 {
		r := send(conn, fmt.Sprintf("SELECT '{ok}'::mood[], ROW(%d)", i), pgx.BinaryFormatCode)
		if r.Err != nil || !bytes.Contains(r.Rows[0][0], []byte{byte(oids["mood"] >> 8), byte(oids["mood"])}) {
			t.Fatalf("%x %v", r.Rows, r.Err)
		}
	}
	do(t, conn, "BEGIN")
	do(t, conn, fmt.Sprintf("UPDATE feelings SET g = 1 WHERE user_id = %d", p.keys[other]))
	r := send(conn, "SELECT '{ok}'::mood[]", pgx.BinaryFormatCode)
	wantRefused(t, "in a transaction elsewhere", r.Err)
	if _, err := conn.Exec(t.Context(), "SELECT 1"); code(err) != "25P02" {
		t.Errorf("the transaction goes on: %v", err)
	}
	do(t, conn, "ROLLBACK")

	// A pipeline: the whole of it fails before anything is sent.
	w := p.wire()
	w.send(&pgproto3.Parse{Query: fmt.Sprintf("UPDATE feelings SET g = 1 WHERE user_id = %d", p.keys[other])},
		&pgproto3.Bind{}, &pgproto3.Execute{},
		&pgproto3.Parse{Query: "SELECT '{ok}'::mood[]"}, &pgproto3.Bind{ResultFormatCodes: []int16{1}}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got := w.until("Z"); !slices.Contains(got, "E 0A000") || got[len(got)-1] != "Z I" {
		t.Errorf("in a pipeline elsewhere: %q", got)
	}
	if got := query(t, conn, fmt.Sprintf("SELECT g FROM feelings WHERE user_id = %d", p.keys[other])); got[0] != "3" {
		t.Errorf("a refused pipeline took effect: %q", got)
	}
	w.send(&pgproto3.Parse{Query: "SELECT '{ok}'::mood[]"}, &pgproto3.Bind{ResultFormatCodes: []int16{1}}, &pgproto3.Execute{},
		&pgproto3.Parse{Query: fmt.Sprintf("SELECT g FROM feelings WHERE user_id = %d", p.keys[other])}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got := w.until("Z"); !slices.Contains(got, "E 0A000") || slices.Contains(got, "D 3") {
		t.Errorf("in a pipeline before another node's: %q", got)
	}
}

// Statements that are bound long after they were parsed, and never described.
func describedLate(t *testing.T, p *typed) {
	other := (p.home + 1) % len(p.nodes)
	key := [][]byte{{0, 0, 0, 0, 0, 0, byte(p.keys[other] >> 8), byte(p.keys[other])}}
	for _, ending := range []pgproto3.FrontendMessage{&pgproto3.Sync{}, &pgproto3.Flush{}} {
		w := p.wire()
		for i, tt := range []struct {
			column string
			format int16
			want   []string
		}{
			{"g", 0, []string{"2", "D 3", "C SELECT 1", "Z I"}},
			{"m", 1, []string{"2", "D ok", "C SELECT 1", "Z I"}},
			{"ms", 0, []string{"2", "D {ok,sad}", "C SELECT 1", "Z I"}},
			{"ms", 1, []string{"E 0A000", "Z I"}},
		} {
			name := fmt.Sprint("late", i)
			w.send(&pgproto3.Parse{Name: name, Query: "SELECT " + tt.column + " FROM feelings WHERE user_id = $1"}, ending)
			w.until("1")
			w.send(&pgproto3.Bind{
				PreparedStatement: name, ParameterFormatCodes: []int16{1}, ResultFormatCodes: []int16{tt.format}, Parameters: key,
			}, &pgproto3.Execute{}, &pgproto3.Sync{})
			got := w.until("Z")
			if len(got) == 1 { // of the first Sync
				got = w.until("Z")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%T: %s, format %d (-want +got):\n%s", ending, tt.column, tt.format, diff)
			}
		}
	}
}

// The node is known only when the key of the new row was drawn.
func binaryWithDrawnKeys(t *testing.T, p *typed) {
	conn := p.connect()
	do(t, conn, "CREATE TABLE diary (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood, ms mood[])")
	kept, refused := 0, 0
	for i := range 40 {
		sql := fmt.Sprintf("INSERT INTO diary (m, ms) VALUES ('sad', '{ok}') RETURNING m, ms, %d", i%5)
		if r := send(conn, sql, pgx.BinaryFormatCode); r.Err == nil {
			kept++
		} else {
			wantRefused(t, "RETURNING", r.Err)
			refused++
		}
	}
	counts := p.countOn("diary", "")
	if kept == 0 || refused == 0 || total(counts) != kept || counts[p.home] != kept {
		t.Errorf("%d rows were accepted and %d refused; the nodes have %v", kept, refused, counts)
	}
}

// A session tied to a node asks that node, which alone knows its tables.
func binaryOfTemporaryTables(t *testing.T, p *typed) {
	key := p.keys[(p.home+1)%len(p.nodes)]
	conn := p.connect()
	do(t, conn, "BEGIN")
	do(t, conn, fmt.Sprintf("SELECT FROM feelings WHERE user_id = %d", key))
	do(t, conn, "CREATE TEMP TABLE scratch AS SELECT 'sad'::mood AS m, '{sad}'::mood[] AS ms", pgx.QueryExecModeSimpleProtocol)
	for _, when := range []string{"in the transaction", "after it"} {
		for column, refused := range map[string]bool{"m": false, "ms": true} {
			if when == "in the transaction" {
				do(t, conn, "SAVEPOINT s", pgx.QueryExecModeSimpleProtocol)
			}
			r := send(conn, "SELECT "+column+" FROM scratch", pgx.BinaryFormatCode)
			switch {
			case refused:
				wantRefused(t, when+": "+column, r.Err)
			case r.Err != nil || string(r.Rows[0][0]) != "sad":
				t.Errorf("%s: %s: %q %v", when, column, r.Rows, r.Err)
			}
			if when == "in the transaction" {
				do(t, conn, "ROLLBACK TO s", pgx.QueryExecModeSimpleProtocol)
			}
		}
		do(t, conn, "COMMIT", pgx.QueryExecModeSimpleProtocol)
	}
	for column, refused := range map[string]bool{"m": false, "ms": true} {
		_, err := conn.PgConn().CopyTo(t.Context(), new(bytes.Buffer), "COPY (SELECT "+column+" FROM scratch) TO STDOUT (FORMAT binary)")
		if refused {
			wantRefused(t, "COPY of "+column, err)
		} else if err != nil {
			t.Errorf("COPY of %s: %v", column, err)
		}
	}

	closeNow(conn)

	// The same name, another type: what was learned of the first does not count.
	w := p.wire()
	create := func(value string) {
		t.Helper()
		got := w.simple(fmt.Sprintf("BEGIN; SELECT FROM feelings WHERE user_id = %d; CREATE TEMP TABLE brief ON COMMIT DROP AS SELECT %s AS m", key, value))
		if len(errorsIn(got)) > 0 {
			t.Fatalf("%q", got)
		}
	}
	create("'sad'::mood")
	w.send(&pgproto3.Parse{Name: "s", Query: "SELECT m FROM brief"}, &pgproto3.Describe{ObjectType: 'S', Name: "s"},
		&pgproto3.Bind{PreparedStatement: "s", ResultFormatCodes: []int16{1}}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got := w.until("Z"); !slices.Contains(got, "D sad") {
		t.Errorf("%q", got)
	}
	w.simple("COMMIT")
	create("'{sad}'::mood[]")
	w.send(&pgproto3.Bind{PreparedStatement: "s", ResultFormatCodes: []int16{1}}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got := w.until("Z"); len(errorsIn(got)) != 1 || slices.ContainsFunc(got, func(m string) bool { return strings.HasPrefix(m, "D") }) {
		t.Errorf("a table that was made anew: %q", got)
	}
}

// Names are looked up as in the transaction that the statement is part of, and a
// failed one can be ended in the same batch.
func binaryInTransactions(t *testing.T, p *typed) {
	conn := p.connect()
	key := p.keys[(p.home+1)%len(p.nodes)]
	do(t, conn, "CREATE SCHEMA private")
	do(t, conn, "CREATE TABLE private.notes (user_id bigint PRIMARY KEY, note mood[])")
	do(t, conn, "CREATE TABLE notes (user_id bigint PRIMARY KEY, note mood)")
	do(t, conn, fmt.Sprintf("INSERT INTO private.notes VALUES (%d, '{ok}')", key))
	do(t, conn, fmt.Sprintf("INSERT INTO notes VALUES (%d, 'ok')", key))
	sql := fmt.Sprintf("SELECT note FROM notes WHERE user_id = %d", key)
	for range 2 {
		if r := send(conn, sql, pgx.BinaryFormatCode); r.Err != nil || string(r.Rows[0][0]) != "ok" {
			t.Errorf("%q %v", r.Rows, r.Err)
		}
		do(t, conn, "BEGIN")
		do(t, conn, "SET LOCAL search_path = private")
		wantRefused(t, "with another search_path", send(conn, sql, pgx.BinaryFormatCode).Err)
		do(t, conn, "ROLLBACK")
	}
	w := p.wire()
	w.simple(fmt.Sprintf("BEGIN; UPDATE notes SET note = 'sad' WHERE user_id = %d; SELECT 1 / 0", key))
	w.send(append(group("ROLLBACK"), &pgproto3.Parse{Query: sql + " "},
		&pgproto3.Bind{ResultFormatCodes: []int16{1}}, &pgproto3.Execute{}, &pgproto3.Sync{})...)
	if diff := cmp.Diff([]string{"1", "2", "C ROLLBACK", "1", "2", "D ok", "C SELECT 1", "Z I"}, w.until("Z")); diff != "" {
		t.Errorf("behind ROLLBACK (-want +got):\n%s", diff)
	}
}

// Cursors and COPY return binary values in ways of their own.
func binaryCursorsAndCopy(t *testing.T, p *typed) {
	values := send(p.node(p.home), "SELECT m, ms FROM feelings", pgx.BinaryFormatCode)
	if values.Err != nil {
		t.Fatal(values.Err)
	}
	for node, key := range p.keys {
		t.Run(fmt.Sprint("node ", node+1), func(t *testing.T) {
			refused := node != p.home
			conn := p.connect()
			fetch := func(columns, cursor string, format int16) error {
				do(t, conn, "BEGIN")
				defer do(t, conn, "ROLLBACK")
				do(t, conn, fmt.Sprintf("DECLARE c %s FOR SELECT %s FROM feelings WHERE user_id = %d", cursor, columns, key), pgx.QueryExecModeSimpleProtocol)
				if format == pgx.TextFormatCode {
					_, err := conn.PgConn().Exec(t.Context(), "FETCH 1 FROM c").ReadAll()
					return err
				}
				r := send(conn, "FETCH 1 FROM c", format)
				if r.Err == nil && len(r.Rows) != 1 {
					t.Errorf("%d rows", len(r.Rows))
				}
				return r.Err
			}
			check := func(what string, refused bool, err error) {
				t.Helper()
				if refused {
					wantRefused(t, what, err)
				} else if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			check("FETCH of an enum", false, fetch("m, s", "CURSOR", pgx.BinaryFormatCode))
			check("FETCH of an array", refused, fetch("ms", "CURSOR", pgx.BinaryFormatCode))
			check("FETCH of an array as text", false, fetch("ms", "CURSOR", pgx.TextFormatCode))
			check("a binary cursor of an enum", false, fetch("m, s", "BINARY CURSOR", pgx.TextFormatCode))
			check("a binary cursor of an array", refused, fetch("ms", "BINARY CURSOR", pgx.TextFormatCode))

			copyTo := func(what string) error {
				_, err := conn.PgConn().CopyTo(t.Context(), new(bytes.Buffer), "COPY "+what+" TO STDOUT (FORMAT binary)")
				return err
			}
			one := fmt.Sprint(" FROM feelings WHERE user_id = ", key)
			check("COPY of an enum", false, copyTo("(SELECT m, s, ns, ')'"+one+")"))
			check("COPY of an array", refused, copyTo("(SELECT ms"+one+")"))
			copyFrom := func(column string, value []byte) error {
				data := append([]byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00"), byte(key>>8), byte(key))
				data = append(data, 0, 0, 0, byte(len(value)))
				data = append(append(data, value...), 0xff, 0xff)
				_, err := conn.PgConn().CopyFrom(t.Context(), bytes.NewReader(data), "COPY feelings (user_id, "+column+") FROM STDIN (FORMAT binary)")
				return err
			}
			do(t, conn, fmt.Sprintf("DELETE FROM feelings WHERE user_id = %d", key))
			check("COPY FROM of an array", refused, copyFrom("ms", values.Rows[0][1]))
			do(t, conn, fmt.Sprintf("DELETE FROM feelings WHERE user_id = %d", key))
			check("COPY FROM of an enum", false, copyFrom("m", values.Rows[0][0]))
			if got := query(t, conn, "SELECT m"+one); len(got) != 1 || got[0] != "ok" {
				t.Errorf("copied %q", got)
			}
			do(t, conn, fmt.Sprintf(`UPDATE feelings SET ms = '{ok}' WHERE user_id = %d`, key))
		})
	}
}
