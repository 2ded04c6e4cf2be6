package plan

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/pgparse"
	"shardproxy/router/sqlscan"
)

// fullWorkload is a longer capture of the same workload, where there is one.
const fullWorkload = "../../../shared/workload/appwrite/statements-postgres-shared-tables.txt"

// workloadDatabase is a database with the tables that the statements create.
func workloadDatabase(t testing.TB, statements []string) *topology.Database {
	t.Helper()
	b := schemaBuilder{
		t: t,
		rules: topology.Rules{
			KeyOrder:   []ring.KeyKind{ring.KindProject},
			KeyColumns: map[ring.KeyKind][]string{ring.KindProject: {"_tenant"}},
			NullKey:    "replicated",
			Global:     []string{"_console_*"},
		},
		tables: make(map[topology.TableName]*topology.TableSchema),
	}
	for _, s := range statements {
		if strings.Contains(s, "CREATE TABLE") {
			b.script(s)
		}
	}
	return b.database()
}

// outcomes classifies all statements of the workload: what they are and where
// they go.
func outcomes(t *testing.T, statements []string) map[string]int {
	t.Helper()
	db := workloadDatabase(t, statements)
	cache := NewCache(Options{Parser: pgparse.Parser{}})
	env := &Env{SearchPath: []string{"pg_catalog", "public"}, SearchPathKey: "public"}
	counts := make(map[string]int)
	var sc sqlscan.Scan
	var p Plan
	for _, text := range statements {
		for at := 0; at < len(text); {
			sc.Statement([]byte(text), at, 0)
			at = int(sc.End)
			if sc.Empty {
				continue
			}
			cache.Template(db, env, &sc).Plan(db, env, &sc, nil, &p)
			what := outcomeOf(db, &p)
			if what == "" {
				t.Errorf("%s\n%v %v", text, p.Class, p.Err)
			}
			counts[what]++
		}
	}
	return counts
}

// outcomeOf names the place of a statement of the workload; "" is a place that
// no statement of it should have.
func outcomeOf(db *topology.Database, p *Plan) string {
	switch p.Class {
	case Local:
		return "local answer"
	case All:
		return "broadcast: " + p.Statement.Tag
	case Single:
		switch {
		case p.Keyed && p.Kind == ring.KindProject && !p.Several:
			return "tenant's node: " + p.Statement.Tag
		case !p.Keyed && p.Partition == db.HomePartition():
			return "home: " + p.Statement.Tag
		}
	case Any:
		if p.Flags&FlagReplicated != 0 {
			return "replicated read"
		}
		if !p.Write {
			return "any node"
		}
	case Subset:
		return "tenants' nodes: " + p.Statement.Tag
	case Scatter:
		return "broadcast: " + p.Statement.Tag
	case Reject:
		switch p.Would {
		case WouldReplicate:
			return "replicated write, refused for now: " + p.Statement.Tag
		case WouldBroadcast:
			return "write to several tenants, refused for now: " + p.Statement.Tag
		}
	}
	return ""
}

func TestWorkload(t *testing.T) {
	statements := strings.Split(strings.TrimSpace(readFile(t, "testdata/appwrite.sql")), "\n")
	got := outcomes(t, statements)
	want := map[string]int{
		"any node":                                          3,
		"broadcast: ALTER TABLE":                            11,
		"broadcast: CREATE COLLATION":                       1,
		"broadcast: CREATE EXTENSION":                       3,
		"broadcast: CREATE INDEX":                           374,
		"broadcast: CREATE SCHEMA":                          1,
		"broadcast: CREATE TABLE":                           102,
		"broadcast: DROP INDEX":                             1,
		"broadcast: DROP SCHEMA":                            1,
		"broadcast: DROP TABLE":                             3,
		"broadcast: SELECT":                                 1, // pg_relation_size: the sum of all nodes
		"home: INSERT":                                      4,
		"home: SELECT":                                      7,
		"local answer":                                      8,
		"replicated read":                                   2,
		"replicated write, refused for now: DELETE":         2,
		"replicated write, refused for now: INSERT":         2,
		"replicated write, refused for now: UPDATE":         1,
		"tenant's node: DELETE":                             7,
		"tenant's node: INSERT":                             25,
		"tenant's node: SELECT":                             41,
		"tenant's node: UPDATE":                             5,
		"tenants' nodes: SELECT":                            1,
		"write to several tenants, refused for now: INSERT": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestFullWorkload plans a longer capture, if there is one on this machine.
func TestFullWorkload(t *testing.T) {
	text, err := os.ReadFile(fullWorkload)
	if os.IsNotExist(err) {
		text = []byte(readFile(t, "testdata/appwrite.sql"))
	} else if err != nil {
		t.Fatal(err)
	}
	var statements []string
	for line := range strings.Lines(string(text)) {
		statements = append(statements, strings.TrimPrefix(strings.TrimRight(line, "\n"), "S: "))
	}
	counts := outcomes(t, statements)
	names := make([]string, 0, len(counts))
	for name, n := range counts {
		names = append(names, fmt.Sprintf("%5d %s", n, name))
	}
	slices.Sort(names)
	t.Log("\n" + strings.Join(names, "\n"))
}
