package integration

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
)

// group is Parse, Bind, Describe, Execute of one statement without parameters.
func group(sql string) []pgproto3.FrontendMessage {
	return []pgproto3.FrontendMessage{
		&pgproto3.Parse{Query: sql}, &pgproto3.Bind{}, &pgproto3.Execute{},
	}
}

func insertTitle(user int64, title string) string {
	return fmt.Sprintf("INSERT INTO documents (user_id, title) VALUES (%d, '%s')", user, title)
}

// Three groups for A, B, A in one write: three answers in order.
func TestGroupsOverNodes(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(1)
	a, b := keys[0][0], keys[1][0]
	conn := p.connect()
	do(t, conn, insertTitle(a, "in a"))
	do(t, conn, insertTitle(b, "in b"))
	w := p.wire()
	var messages []pgproto3.FrontendMessage
	for _, user := range []int64{a, b, a} {
		messages = append(messages, append(group(selectTitle(user)), &pgproto3.Sync{})...)
	}
	w.send(messages...)
	for i, want := range []string{"in a", "in b", "in a"} {
		if diff := cmp.Diff([]string{"1", "2", "D " + want, "C SELECT 1", "Z I"}, w.until("Z")); diff != "" {
			t.Errorf("group %d (-want +got):\n%s", i, diff)
		}
	}
}

// A good, a bad, a good statement in one pipeline: the first result, one error,
// one ReadyForQuery, and the first write is rolled back.
func TestErrorInPipeline(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	for name, bad := range map[string]string{
		"by the server": fmt.Sprintf("INSERT INTO documents (user_id, title, n) VALUES (%d, 'x', 1/0)", a),
		"by the proxy":  "SELECT title FROM documents ORDER BY title LIMIT 1",
		"syntax":        "SELEC 1",
	} {
		t.Run(name, func(t *testing.T) {
			w := p.wire()
			messages := append(group(insertTitle(a, "first")), group(bad)...)
			messages = append(messages, group(insertTitle(a, "third"))...)
			w.send(append(messages, &pgproto3.Sync{})...)
			got := w.until("Z")
			if len(errorsIn(got)) != 1 || got[len(got)-1] != "Z I" {
				t.Errorf("got %q, want one error and one ReadyForQuery", got)
			}
			if diff := cmp.Diff([]string{"1", "2", "C INSERT 0 1"}, got[:3]); diff != "" {
				t.Errorf("the first statement (-want +got):\n%s", diff)
			}
			if n := p.countOn("documents", ""); n[0]+n[1]+n[2] != 0 {
				t.Errorf("rows on the nodes: %v, want none", n)
			}
			if diff := cmp.Diff([]string{"T ?column?", "D 1", "C SELECT 1", "Z I"}, w.simple("SELECT 1")); diff != "" {
				t.Errorf("the next statement (-want +got):\n%s", diff)
			}
		})
	}
}

// A pipeline whose second part belongs to another node: the first must not be
// committed.
func TestPipelineOverNodesIsRefused(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(1)
	w := p.wire()
	messages := append(group(insertTitle(keys[0][0], "a")), group(insertTitle(keys[1][0], "b"))...)
	w.send(append(messages, &pgproto3.Sync{})...)
	got := w.until("Z")
	if diff := cmp.Diff([]string{"0A000"}, errorsIn(got)); diff != "" {
		t.Errorf("errors of %q (-want +got):\n%s", got, diff)
	}
	if n := p.countOn("documents", ""); n[0]+n[1]+n[2] != 0 {
		t.Errorf("rows on the nodes: %v, want none", n)
	}
}

// After an error nothing comes until Sync.
func TestLateSync(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	do(t, p.connect(), insertTitle(a, "x"))
	w := p.wire()
	w.send(append(group(fmt.Sprintf("SELECT 1/0 FROM documents WHERE user_id = %d", a)), &pgproto3.Flush{})...)
	w.until("E")
	w.send(group("SELECT 1")...)
	w.silent(300 * time.Millisecond)
	w.send(&pgproto3.Sync{})
	if diff := cmp.Diff([]string{"Z I"}, w.until("Z")); diff != "" {
		t.Errorf("after Sync (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"T ?column?", "D 1", "C SELECT 1", "Z I"}, w.simple("SELECT 1")); diff != "" {
		t.Errorf("the next query (-want +got):\n%s", diff)
	}
}

// A named cursor driven by Flush, next to a noisy neighbour: one backend.
func TestPortalByFlush(t *testing.T) {
	p := withSchema(t, options{pool: 2})
	a := p.keys(1)[0][0]
	conn := p.connect()
	for i := range 3 {
		do(t, conn, insertTitle(a, fmt.Sprint("t", i)))
	}
	noise := p.connect()
	w := p.wire()
	w.send(&pgproto3.Parse{Name: "st", Query: "SELECT title FROM documents WHERE user_id = $1 ORDER BY id"},
		&pgproto3.Bind{DestinationPortal: "cur", PreparedStatement: "st", Parameters: [][]byte{fmt.Append(nil, a)}},
		&pgproto3.Describe{ObjectType: 'P', Name: "cur"}, &pgproto3.Flush{})
	if diff := cmp.Diff([]string{"1", "2", "T title"}, w.until("T")); diff != "" {
		t.Errorf("first (-want +got):\n%s", diff)
	}
	for i := range 2 {
		do(t, noise, insertTitle(a, "noise"))
		w.send(&pgproto3.Execute{Portal: "cur", MaxRows: 1}, &pgproto3.Flush{})
		if diff := cmp.Diff([]string{fmt.Sprint("D t", i), "s"}, w.until("s")); diff != "" {
			t.Errorf("row %d (-want +got):\n%s", i, diff)
		}
	}
	w.send(&pgproto3.Execute{Portal: "cur"}, &pgproto3.Sync{})
	if diff := cmp.Diff([]string{"D t2", "C SELECT 1", "Z I"}, w.until("Z")); diff != "" {
		t.Errorf("the rest (-want +got):\n%s", diff)
	}
}

// Messages that come alone, and texts of several statements.
func TestOddMessages(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(1)
	a, b := keys[0][0], keys[1][0]
	w := p.wire()
	tests := []struct {
		name string
		send []pgproto3.FrontendMessage
		want []string
	}{
		{"empty query", []pgproto3.FrontendMessage{&pgproto3.Query{String: ""}}, []string{"I", "Z I"}},
		{"comment", []pgproto3.FrontendMessage{&pgproto3.Query{String: "-- nothing"}}, []string{"I", "Z I"}},
		{"semicolons", []pgproto3.FrontendMessage{&pgproto3.Query{String: " ; ;"}}, []string{"I", "Z I"}},
		{"sync", []pgproto3.FrontendMessage{&pgproto3.Sync{}}, []string{"Z I"}},
		{"flush, sync", []pgproto3.FrontendMessage{&pgproto3.Flush{}, &pgproto3.Sync{}}, []string{"Z I"}},
		{
			"describe without execute",
			[]pgproto3.FrontendMessage{
				&pgproto3.Parse{Query: "SELECT title FROM documents WHERE user_id = $1"},
				&pgproto3.Describe{ObjectType: 'S'}, &pgproto3.Sync{},
			},
			[]string{"1", "t[20]", "T title", "Z I"},
		},
		{"close of an unknown name", []pgproto3.FrontendMessage{
			&pgproto3.Close{ObjectType: 'S', Name: "nope"}, &pgproto3.Close{ObjectType: 'P', Name: "nope"}, &pgproto3.Sync{},
		}, []string{"3", "3", "Z I"}},
		{"empty statement", append(group(""), &pgproto3.Sync{}), []string{"1", "2", "I", "Z I"}},
		{"two statements, one node", []pgproto3.FrontendMessage{
			&pgproto3.Query{String: insertTitle(a, "x") + ";" + insertTitle(a, "y")},
		}, []string{"C INSERT 0 1", "C INSERT 0 1", "Z I"}},
		{"two statements, two nodes", []pgproto3.FrontendMessage{
			&pgproto3.Query{String: insertTitle(a, "z") + ";" + insertTitle(b, "z")},
		}, []string{"C INSERT 0 1", "E 0A000", "Z I"}},
		{"several commands in Parse", append(group("SELECT 1; SELECT 2"), &pgproto3.Sync{}), []string{"E 42601", "Z I"}},
		{"unknown statement", []pgproto3.FrontendMessage{
			&pgproto3.Bind{PreparedStatement: "nope"}, &pgproto3.Sync{},
		}, []string{"E 26000", "Z I"}},
		{"unknown portal", []pgproto3.FrontendMessage{
			&pgproto3.Execute{Portal: "nope"}, &pgproto3.Sync{},
		}, []string{"E 34000", "Z I"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w.send(tt.send...)
			if diff := cmp.Diff(tt.want, w.until("Z")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if n := p.countOn("documents", "title = 'z'"); n[0]+n[1]+n[2] != 0 {
		t.Errorf("rows of the refused text on the nodes: %v, want none", n)
	}
}
