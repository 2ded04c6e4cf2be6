package copyrow

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"
	"pgregory.net/rapid"

	"shardproxy/internal/pgserver/pgservertest"
)

var cluster *pgservertest.Cluster

func TestMain(m *testing.M) { pgservertest.Main(m, &cluster, 1) }

// server is a real PostgreSQL that reads the same streams.
type server struct {
	conn    *pgconn.PgConn
	version int // major
}

func connect(t *testing.T) *server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, cluster.NewDatabase(t, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s := &server{conn: conn}
	number := s.query(t, "SHOW server_version_num")
	version, err := strconv.Atoi(number[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	s.version = version / 10000
	for columns := 1; columns <= 3; columns++ {
		names := strings.Join([]string{"c0 text", "c1 text DEFAULT 'x'", "c2 text"}[:columns], ", ")
		s.query(t, fmt.Sprintf("CREATE TABLE t%d (n bigserial, %s)", columns, names))
	}
	return s
}

// query returns the first column of all rows.
func (s *server) query(t rapid.TB, sql string) []collected {
	t.Helper()
	results, err := s.conn.Exec(context.Background(), sql).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []collected
	for _, row := range results[0].Rows {
		rows = append(rows, collected{Value: string(row[0]), Null: row[0] == nil})
	}
	return rows
}

// copyIn lets the server read the stream. It returns what it stored in the
// wanted column, row by row, or its error.
func (s *server) copyIn(t rapid.TB, opts Options, data []byte) ([]collected, error) {
	t.Helper()
	table := fmt.Sprintf("t%d", opts.Columns)
	columns := strings.Join([]string{"c0", "c1", "c2"}[:opts.Columns], ", ")
	sql := fmt.Sprintf("COPY %s (%s) FROM STDIN WITH (%s)", table, columns, strings.Join(sqlOptions(opts), ", "))
	if _, err := s.conn.CopyFrom(context.Background(), bytes.NewReader(data), sql); err != nil {
		var refused *pgconn.PgError
		if !errors.As(err, &refused) {
			t.Fatal(err)
		}
		return nil, err
	}
	rows := s.query(t, fmt.Sprintf("SELECT c%d FROM %s ORDER BY n", opts.Column, table))
	s.query(t, "DELETE FROM "+table)
	return rows, nil
}

// sqlOptions writes the options as SQL. Tests use no quotes in strings.
func sqlOptions(opts Options) []string {
	list := []string{"FORMAT " + opts.Format.String(), "ENCODING 'UTF8'"}
	character := func(name string, c byte) {
		if c != 0 {
			list = append(list, fmt.Sprintf("%s '%s'", name, strings.ReplaceAll(string(rune(c)), "'", "''")))
		}
	}
	character("DELIMITER", opts.Delimiter)
	character("QUOTE", opts.Quote)
	character("ESCAPE", opts.Escape)
	if opts.Null != nil {
		list = append(list, "NULL '"+*opts.Null+"'")
	}
	if opts.Default != nil {
		list = append(list, "DEFAULT '"+*opts.Default+"'")
	}
	if opts.Header > 0 {
		list = append(list, "HEADER")
	}
	if opts.ForceNull {
		list = append(list, fmt.Sprintf("FORCE_NULL (c%d)", opts.Column))
	}
	if opts.ForceNotNull {
		list = append(list, fmt.Sprintf("FORCE_NOT_NULL (c%d)", opts.Column))
	}
	return list
}

// agree checks one stream against the server: what both accept has the same
// rows with the same values. It reports whether both did. The splitter may
// refuse what the server accepts only for an end marker after data.
func (s *server) agree(t rapid.TB, opts Options, data []byte) bool {
	t.Helper()
	if opts.Format == CSV {
		opts.EndMarker = s.version < 18
	}
	theirs, theirErr := s.copyIn(t, opts, data)
	rows, err := split(t, opts, data, whole)
	if theirErr != nil {
		return false
	}
	if errors.Is(err, errMarker) && opts.Format == Text && s.version < 18 {
		return false
	}
	if err != nil {
		t.Fatalf("%q %v: the server accepts it, the splitter says %v", data, sqlOptions(opts), err)
	}
	var ours []collected
	for _, r := range rows {
		switch {
		case r.Control:
		case r.Default:
			ours = append(ours, collected{Value: "x"})
		default:
			ours = append(ours, collected{Value: r.Value, Null: r.Null})
		}
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Fatalf("%q %v (-server +splitter):\n%s", data, sqlOptions(opts), diff)
	}
	return true
}

func TestServerReadsTheCasesAlike(t *testing.T) {
	s := connect(t)
	both := 0
	for _, tt := range cases() {
		if tt.opts.Header > 1 || (tt.opts.Default != nil && (s.version < 16 || tt.opts.Column != 1)) {
			continue // the server has no such option
		}
		agreed := s.agree(t, tt.opts, []byte(tt.data))
		// What this table says is accepted, a server accepts, unless it is not
		// UTF-8 or differs between versions.
		if sameOnServer := tt.opts.Format != CSV || tt.opts.EndMarker == (s.version < 18); tt.err == "" &&
			!agreed && sameOnServer && !strings.Contains(tt.ok, "\xff") && !strings.Contains(tt.ok, "\xab") && !strings.Contains(tt.ok, "\x00") {
			t.Errorf("%s: the server refuses it", tt.name)
		}
		if agreed {
			both++
		}
	}
	if both < 50 {
		t.Errorf("only %d cases were read by both", both)
	}
}

func TestServerReadsRandomDataAlike(t *testing.T) {
	s := connect(t)
	both := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 10 {
			opts := drawOptions(t)
			if s.agree(t, opts, drawData(t, opts)) {
				both++
			}
		}
	})
	if both < 50 {
		t.Errorf("only %d streams were read by both", both)
	}
}

func TestServerReadsBinaryAlike(t *testing.T) {
	s := connect(t)
	opts := Options{Format: Binary, Columns: 3, Column: 1}
	rows := [][]byte{
		tuple([]byte("a"), []byte("b"), []byte("c")),
		tuple(nil, nil, nil),
		tuple([]byte{}, []byte{}, []byte{}),
		tuple(nil, []byte("Zoë"), nil),
	}
	for name, data := range map[string][]byte{
		"rows":       slices.Concat(head(0, ""), rows[0], rows[1], rows[2], rows[3], []byte(trailer)),
		"extension":  slices.Concat(head(1, "ignored"), rows[0], []byte(trailer)),
		"no trailer": slices.Concat(head(0, ""), rows[0]),
		"empty":      slices.Concat(head(0, ""), []byte(trailer)),
	} {
		if !s.agree(t, opts, data) {
			t.Errorf("%s: the server refuses it", name)
		}
	}
}
