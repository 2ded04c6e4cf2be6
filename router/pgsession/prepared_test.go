package pgsession

import (
	"testing"
	"unique"

	"github.com/google/go-cmp/cmp"

	"shardproxy/router/sqlscan"
)

func keyOf(sql string) statementKey { return unique.Make(statementText{sql: sql}) }

func texts(voided []preparation) []string {
	var list []string
	for _, p := range voided {
		list = append(list, p.key.Value().sql)
	}
	return list
}

func TestServerNameDependsOnTextAndTypes(t *testing.T) {
	a := unique.Make(statementText{sql: "SELECT $1"})
	b := unique.Make(statementText{sql: "SELECT $1", oids: "\x00\x00\x00\x17"})
	c := unique.Make(statementText{sql: "SELECT $2"})
	d := unique.Make(statementText{sql: "SELECT $1", mode: sqlscan.BackslashStrings})
	if serverName(a) == serverName(b) || serverName(a) == serverName(c) || serverName(a) == serverName(d) {
		t.Error("different statements must have different names")
	}
	if serverName(a) != serverName(unique.Make(statementText{sql: "SELECT $1"})) {
		t.Error("equal statements must share a name")
	}
}

func TestPreparedSetEvictsTheLeastRecentlyUsed(t *testing.T) {
	s := newPreparedSet(2)
	a, b, c := keyOf("a"), keyOf("b"), keyOf("c")
	s.add(a, serverName(a))
	s.add(b, serverName(b))
	if !s.touch(a) {
		t.Fatal("a is prepared")
	}
	if diff := cmp.Diff([]string{serverName(b)}, s.add(c, serverName(c))); diff != "" {
		t.Errorf("to close (-want +got):\n%s", diff)
	}
	if s.touch(b) || !s.touch(a) || !s.touch(c) {
		t.Error("b had to go, a and c had to stay")
	}
}

func TestPreparedSetNameCollision(t *testing.T) {
	s := newPreparedSet(10)
	a, b := keyOf("a"), keyOf("b")
	s.add(a, "same")
	if diff := cmp.Diff([]string{"same"}, s.add(b, "same")); diff != "" {
		t.Errorf("to close (-want +got):\n%s", diff)
	}
	if s.touch(a) || !s.touch(b) {
		t.Error("the name belongs to the later statement")
	}
}

func TestPreparedSetRemove(t *testing.T) {
	s := newPreparedSet(10)
	a := keyOf("a")
	s.add(a, serverName(a))
	s.remove(a)
	s.remove(a)
	if s.touch(a) || len(s.byName) != 0 || s.used.Len() != 0 {
		t.Error("nothing may be left of a removed statement")
	}
}
