package pgparse_test

import (
	"errors"
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/pgparse"
	"shardproxy/router/querytree"
)

// FuzzParse looks for texts that panic, that give an error no client can see,
// and for trees that lost something.
func FuzzParse(f *testing.F) {
	for _, a := range corpus(f) {
		for _, text := range a.statements {
			f.Add(text)
		}
	}
	for _, text := range malformed {
		f.Add(text)
	}
	f.Add("SELECT 1; ; SELECT 2;")
	f.Fuzz(func(t *testing.T, text string) {
		statements, err := pgparse.Parser{}.Parse(text)
		if err != nil {
			var refused *sqlerr.Error
			if !errors.As(err, &refused) || refused.Message == "" || len(refused.SQLState) != 5 {
				t.Fatalf("%#v", err)
			}
			return
		}
		checkSpans(t, text, statements)
		tree, err := pg.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for i, raw := range tree.GetStmts() {
			querytree.Dump(statements[i])
			want, got := inventory{}, inventory{}
			want.addMessage(raw.GetStmt().ProtoReflect())
			delete(want, "cast") // of SET TIME ZONE INTERVAL
			if !got.addStatement(statements[i]) {
				continue
			}
			if missing := want.minus(got); len(missing) > 0 {
				t.Fatalf("lost: %v", missing)
			}
		}
	})
}

// checkSpans checks that the statements stand in the text in order.
func checkSpans(t *testing.T, text string, statements []*querytree.Statement) {
	t.Helper()
	end := 0
	for _, s := range statements {
		if s.Start < end || s.End <= s.Start || s.End > len(text) {
			t.Fatalf("span %d to %d behind %d in a text of %d", s.Start, s.End, end, len(text))
		}
		if own := text[s.Start:s.End]; strings.TrimSpace(own) != own {
			t.Fatalf("span %q", own)
		}
		end = s.End
	}
}
