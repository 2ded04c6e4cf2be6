package integration

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// differential is one plain server and the proxy in front of three, with the
// same tables. Each statement is sent to both: the answers are equal, or the
// proxy refuses; never other rows.
type differential struct {
	t       reporter
	proxy   *proxy
	plainDB string
	plain   *client
	proxied *client
	// translate, if set, gives what is sent to the proxy for a statement.
	translate func(statement) statement

	equal, refused int
	failed, filled int // of the equal ones: an error on both sides; rows on both sides
	refusals       []string
}

// reporter is what a test and a property have in common.
type reporter interface {
	Helper()
	Context() context.Context
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// differentialRules are the rules that conventions do not make.
const differentialRules = "reference: [countries, plans]\nglobal: [settings]"

func newDifferential(t testing.TB) *differential {
	t.Helper()
	shared, err := os.ReadFile("testdata/differential/shared.sql")
	if err != nil {
		t.Fatal(err)
	}
	d := &differential{t: t, plainDB: cluster.NewDatabase(t, 0)}
	do(t, connect(t, d.plainDB), string(shared))
	d.proxy = start(t, options{database: differentialRules, before: func(_ int, conn *pgx.Conn) {
		do(t, conn, string(shared))
	}})
	d.plain = newClient(connect(t, d.plainDB).PgConn())
	d.proxied = newClient(d.proxy.connect().PgConn())
	for _, s := range readScript(t, "testdata/differential/schema.sql") {
		d.step(s, forms[0])
	}
	if d.refused > 0 || t.Failed() {
		t.Fatalf("the schema could not be made: %v", d.refusals)
	}
	d.forget()
	return d
}

// step runs a statement on both sides and compares.
func (d *differential) step(s statement, f form) {
	d.t.Helper()
	ctx := d.t.Context()
	sent := s
	if d.translate != nil {
		sent = d.translate(s)
	}
	got, err := d.proxied.run(ctx, sent, f)
	if err != nil {
		d.t.Fatalf("%s, through the proxy: %v\n%s", f.name, err, s.numbered())
	}
	if refusal(got.Err) {
		d.refuse(s, f, got)
		return
	}
	want, err := d.plain.run(ctx, s, f)
	if err != nil {
		d.t.Fatalf("%s, on the plain server: %v\n%s", f.name, err, s.numbered())
	}
	if diff := difference(want, got, ordered(s.numbered())); diff != "" {
		d.t.Errorf("%s (%s)\n%s\nplain server -, proxy +:\n%s%s", s.at, f.name, s.literals(f.quoted), diff, explainError(got.Err))
		return
	}
	d.equal++
	switch {
	case want.Err != nil:
		d.failed++
	case len(want.Results) > 0 && len(want.Results[0].Rows) > 0:
		d.filled++
	}
}

func explainError(err *pgconn.PgError) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf("the proxy said: %s (%s) %s %s", err.Message, err.Code, err.Detail, err.Hint)
}

// refuse brings the plain server into the state of the proxy after a refusal:
// nothing was done, and an open transaction has failed. Where the server itself
// refuses with the same words, the answers are equal.
func (d *differential) refuse(s statement, f form, got answer) {
	d.t.Helper()
	same := false
	if !s.simple {
		before := string(d.plain.conn.TxStatus())
		switch before {
		case "I":
			d.onPlain("BEGIN")
		case "T":
			d.onPlain("SAVEPOINT differential")
		}
		want, err := d.plain.run(d.t.Context(), s, f)
		if err != nil {
			d.t.Fatalf("%s, on the plain server: %v\n%s", f.name, err, s.numbered())
		}
		same = want.Err != nil && want.Err.Code == got.Err.Code
		switch before {
		case "I":
			d.onPlain("ROLLBACK")
		case "T":
			d.onPlain("ROLLBACK TO SAVEPOINT differential")
			d.onPlain("RELEASE SAVEPOINT differential")
		}
	}
	if got.Status == "E" && d.plain.conn.TxStatus() == 'I' {
		d.onPlain("BEGIN")
	}
	if got.Status == "E" && d.plain.conn.TxStatus() == 'T' {
		if _, err := d.plain.conn.Exec(d.t.Context(), "SELECT 1/0").ReadAll(); err == nil {
			d.t.Fatalf("1/0 is a number")
		}
	}
	if now := string(d.plain.conn.TxStatus()); now != got.Status {
		d.t.Errorf("%s (%s)\n%s\nrefused, and then in state %s, want %s", s.at, f.name, s.literals(f.quoted), got.Status, now)
	}
	if same {
		d.equal++
		return
	}
	d.refused++
	d.refusals = append(d.refusals, fmt.Sprintf("%s (%s) %s\n\t%s %s; %s", s.at, f.name, s.literals(f.quoted), got.Err.Code, got.Err.Message, got.Err.Detail))
}

func (d *differential) onPlain(sql string) {
	d.t.Helper()
	if _, err := d.plain.conn.Exec(d.t.Context(), sql).ReadAll(); err != nil {
		d.t.Fatalf("on the plain server: %s: %v", sql, err)
	}
}

// The statements of the files, in order, in each form. What must work is not
// refused; of the rest nothing is answered differently; in the end the rows of
// the nodes together are those of the plain server.
func TestDifferential(t *testing.T) {
	mustWork := readScript(t, "testdata/differential/must_work.sql")
	mayRefuse := readScript(t, "testdata/differential/may_refuse.sql")
	d := newDifferential(t)
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			d.t = t
			d.empty(t)
			for _, s := range mustWork {
				d.step(s, f)
			}
			t.Logf("must work: %s", d.counts())
			if d.refused > 0 {
				t.Errorf("refused, and must work:\n%s", strings.Join(d.refusals, "\n"))
			}
			d.compareRows(t)
			d.forget()
			for _, s := range mayRefuse {
				d.step(s, f)
			}
			t.Logf("may be refused: %s", d.counts())
			if d.equal < d.refused {
				t.Errorf("%d refused and only %d answered", d.refused, d.equal)
			}
			d.compareRows(t)
		})
	}
}

func (d *differential) forget() {
	d.equal, d.failed, d.filled, d.refused, d.refusals = 0, 0, 0, 0, nil
}

func (d *differential) counts() string {
	return fmt.Sprintf("%d equal (%d with rows, %d errors), %d refused", d.equal, d.filled, d.failed, d.refused)
}

// empty removes all rows but those that were there before the proxy, and gives
// both sides new connections.
func (d *differential) empty(t testing.TB) {
	t.Helper()
	var names []string
	for _, table := range differentialTables {
		if !table.copied {
			names = append(names, table.name)
		}
	}
	for _, dsn := range append([]string{d.plainDB}, d.proxy.nodes...) {
		conn := connect(t, dsn)
		do(t, conn, "TRUNCATE "+strings.Join(names, ", "))
		closeNow(conn)
	}
	d.plain = newClient(connect(t, d.plainDB).PgConn())
	d.proxied = newClient(connect(t, d.proxy.dsn()).PgConn())
	d.forget()
}
