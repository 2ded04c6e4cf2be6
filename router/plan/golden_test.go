package plan

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/pgparse"
	"shardproxy/router/sqlscan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// goldenCase is one case of a golden file: comments, settings, a statement and
// its plan.
//
//	# comment
//	@ params 1 {1,2} null
//	SELECT ...
//	=> the plan
type goldenCase struct {
	comments, settings, statement, plan []string
}

func readGolden(t *testing.T, path string) []goldenCase {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out []goldenCase
	for block := range strings.SplitSeq(strings.TrimSpace(string(text)), "\n\n") {
		var c goldenCase
		for line := range strings.Lines(block) {
			line = strings.TrimRight(line, "\n")
			switch {
			case strings.HasPrefix(line, "#"):
				c.comments = append(c.comments, line)
			case strings.HasPrefix(line, "@"):
				c.settings = append(c.settings, line)
			case strings.HasPrefix(line, "=>"):
				c.plan = append(c.plan, line)
			case line != "":
				c.statement = append(c.statement, line)
			}
		}
		out = append(out, c)
	}
	return out
}

func writeGolden(t *testing.T, path string, cases []goldenCase) {
	t.Helper()
	var b strings.Builder
	for i, c := range cases {
		if i > 0 {
			b.WriteString("\n")
		}
		for _, lines := range [][]string{c.comments, c.settings, c.statement, c.plan} {
			for _, line := range lines {
				b.WriteString(line + "\n")
			}
		}
	}
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// goldenRun is what a case runs with.
type goldenRun struct {
	db     *topology.Database
	cache  *Cache
	env    *Env
	params sqlscan.Keys
}

func newGoldenRun(db *topology.Database, c compiler, settings []string) goldenRun {
	run := goldenRun{db: db, env: testEnv(), cache: newTestCache(c)}
	for _, line := range settings {
		name, value, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "@")), " ")
		switch name {
		case "params":
			run.params = parseParams(value)
		case "path":
			run.env.SearchPath, run.env.SearchPathKey = strings.Fields(value), value
		case "key":
			run.env.KeyHint = value
		case "nohints":
			run.env.NodeHints = false
		case "backslash":
			run.env.Backslash = true
		case "nodes":
			one := *db
			run.db = withNodes(&one, 1)
		}
	}
	return run
}

func (run *goldenRun) plan(text string) []string {
	mode := sqlscan.Mode(0)
	if run.env.Backslash {
		mode = sqlscan.BackslashStrings
	}
	var sc sqlscan.Scan
	sc.Statement([]byte(text), 0, mode)
	t := run.cache.Template(run.db, run.env, &sc)
	var p Plan
	t.Plan(run.db, run.env, &sc, run.params, &p)
	e := t.Explain(run.db, run.env, &sc, run.params)
	return describePlan(run.db, &p, &e)
}

// describePlan is a plan as golden files show it.
func describePlan(db *topology.Database, p *Plan, e *Explanation) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, "=> "+fmt.Sprintf(format, args...)) }
	head := p.Class.String()
	switch p.Class {
	case Single:
		head += " " + string(db.Nodes[p.Node].ID)
	case Subset, Scatter, All:
		for n := range p.Nodes.All() {
			head += " " + string(db.Nodes[n].ID)
		}
	}
	if p.Keyed {
		head += fmt.Sprintf(" %s:%s", p.Kind, ring.FormatKey(p.KeyType, p.Key))
	}
	switch {
	case p.Class == Single && p.Several && p.Partitions == nil:
		head += " whole"
	case p.Class == Single && p.Several:
		head += fmt.Sprintf(" %d partitions", len(p.Partitions))
	case p.Class == Single && p.Partition == db.HomePartition():
		head += " home"
	}
	if p.Write {
		head += " write"
	}
	if p.Flags != 0 {
		head += " [" + p.Flags.String() + "]"
	}
	add("%s", head)
	if p.Merge != nil && len(p.Merge.Columns) > 0 {
		add("merge %v", p.Merge.Columns)
	}
	if r := p.Rewrite; r != nil {
		line := "rewrite"
		if r.AddColumns != nil {
			line += " add (" + strings.Join(r.AddColumns, ", ") + ")"
		}
		if r.Draw != nil {
			line += fmt.Sprintf(" draw %s at %d", r.Column, r.KeyIndex)
		}
		if r.DefaultValues {
			line += " default values"
		}
		add("%s", line)
	}
	if c := p.Copy; c != nil {
		add("copy from=%v columns=%s key=%d", c.From, strings.Join(c.Columns, ","), c.KeyIndex)
	}
	for _, table := range e.Tables {
		if table.Bound != "" && p.Class != Reject {
			add("  %s: %s", table.Table, table.Bound)
		}
	}
	if p.Class == Reject {
		add("%s %s", p.Err.SQLState, p.Err.Message)
		if p.Err.Detail != "" {
			add("  %s", p.Err.Detail)
		}
		if p.Would != 0 {
			add("  would be a %s", p.Would)
		}
	}
	if p.UnknownTable {
		add("  unknown table")
	}
	return out
}

func TestGolden(t *testing.T) {
	db := goldenDatabase(t)
	c := compiler{dialect: postgresDialect(), parser: pgparse.Parser{}}
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	for _, path := range files {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			cases := readGolden(t, path)
			for i := range cases {
				run := newGoldenRun(db, c, cases[i].settings)
				got := run.plan(strings.Join(cases[i].statement, "\n"))
				if *update {
					cases[i].plan = got
					continue
				}
				if diff := cmp.Diff(cases[i].plan, got); diff != "" {
					t.Errorf("%s\n%s", strings.Join(cases[i].statement, "\n"), diff)
				}
			}
			if *update {
				writeGolden(t, path, cases)
			}
		})
	}
}
