package plan

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"

	"github.com/google/go-cmp/cmp"

	"shardproxy/internal/config"
	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/pgparse"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// docPath is the document whose examples are planned here.
const docPath = "../../docs/shard-keys.md"

// The marks of a fenced example: parameters above a statement, the answer below.
const (
	docParams = "-- with "
	docAnswer = "--> "
)

// TestDocumentExamples plans every statement in the ```sql blocks of the
// document, with the tables of its "```sql schema" block and the rules of its
// "```yaml rules" block, and compares its "```text tables". The answer below a statement may leave out its last
// lines (detail, hint). With -update the answers are written anew.
func TestDocumentExamples(t *testing.T) {
	content, err := os.ReadFile(docPath)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(content), "\n")
	blocks := docBlocks(lines)
	db := docDatabase(t, docBlock(t, lines, blocks, "sql schema"), docBlock(t, lines, blocks, "yaml rules"))
	docBlock(t, lines, blocks, "text tables") // it must be there
	examples := 0
	for _, b := range slices.Backward(blocks) { // from the end: an update moves what follows
		want := lines[b.first:b.end]
		var got []string
		switch b.info {
		case "sql":
			var n int
			got, n = docPlan(db, want)
			examples += n
		case "text tables":
			got = docTables(t, db)
		default:
			continue
		}
		if *update {
			lines = slices.Replace(lines, b.first, b.end, got...)
		} else if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s:%d\n%s", docPath, b.first+1, diff)
		}
	}
	if examples < 50 {
		t.Errorf("%d examples: the document has more", examples)
	}
	if *update {
		if err := os.WriteFile(docPath, []byte(strings.Join(lines, "")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// docBlockRange is a fenced block: the info string and the lines inside.
type docBlockRange struct {
	info       string
	first, end int
}

func docBlocks(lines []string) []docBlockRange {
	var out []docBlockRange
	open := -1
	for i, line := range lines {
		info, fence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case !fence:
		case open < 0:
			out = append(out, docBlockRange{info: info, first: i + 1})
			open = len(out) - 1
		default:
			out[open].end = i
			open = -1
		}
	}
	return out
}

// docBlock returns the text of the only block of that kind.
func docBlock(t *testing.T, lines []string, blocks []docBlockRange, info string) string {
	t.Helper()
	at := slices.IndexFunc(blocks, func(b docBlockRange) bool { return b.info == info })
	if at < 0 || slices.ContainsFunc(blocks[at+1:], func(b docBlockRange) bool { return b.info == info }) {
		t.Fatalf("%s needs one ```%s block", docPath, info)
	}
	return strings.Join(lines[blocks[at].first:blocks[at].end], "")
}

// docDatabase makes the database of the examples.
func docDatabase(t *testing.T, schema, rules string) *topology.Database {
	t.Helper()
	b := schemaBuilder{t: t, rules: docRules(t, rules), tables: make(map[topology.TableName]*topology.TableSchema)}
	b.script(schema)
	docConstraints(t, &b, schema)
	db := b.database()
	db.Functions = map[string]bool{"slugify": true, "charge": true}
	return db
}

// docRules reads the rules as the configuration file has them.
func docRules(t *testing.T, rules string) topology.Rules {
	t.Helper()
	file := "users:\n  - {name: app, password: app}\ndatabases:\n  app:\n    nodes:\n      - {name: pg-1, dsn: \"postgres://app@127.0.0.1:5501/app\"}\n"
	for line := range strings.Lines(rules) {
		file += "    " + line
	}
	c, err := config.Parse(docPath, []byte(file), nil)
	if err != nil {
		t.Fatal(err)
	}
	d := c.Databases["app"]
	out := topology.Rules{
		TablePattern: d.TablePattern, PatternKind: ring.KeyKind(d.TablePatternKind),
		Reference: d.Reference, Global: d.Global, Functions: d.Functions,
		Tables: make(map[string]topology.TableRule), KeyColumns: make(map[ring.KeyKind][]string),
	}
	for kind, columns := range d.KeyColumns {
		out.KeyColumns[ring.KeyKind(kind)] = columns
	}
	for name, rule := range d.Tables {
		out.Tables[name] = topology.TableRule{
			Key: ring.KeyKind(rule.Key), Column: rule.Column, NullKey: rule.NullKey, Triggers: rule.Triggers, Unique: rule.Unique,
		}
	}
	return out
}

// docConstraints adds the foreign keys and triggers of a schema to its tables.
func docConstraints(t *testing.T, b *schemaBuilder, schema string) {
	t.Helper()
	statements, err := pgparse.Parser{}.Parse(schema)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range statements {
		if s.DDL == nil || len(s.Relations) == 0 {
			continue
		}
		table := b.tables[tableName(s.Relations[0])]
		if s.DDL.Object == "trigger" {
			table.Triggers = append(table.Triggers, topology.Trigger{Name: "audit", Function: "public.audit"})
		}
		for _, c := range s.DDL.Constraints {
			if c.Kind != "foreign key" {
				continue
			}
			fk := topology.ForeignKey{
				Name: c.Name, Columns: c.Columns, Parent: tableName(*c.References), ParentColumns: c.RefColumns,
			}
			if fk.Name == "" {
				fk.Name = table.Name.Name + "_" + c.Columns[0] + "_fkey"
			}
			table.ForeignKeys = append(table.ForeignKeys, fk)
		}
	}
}

// docTables is what shardctl tables shows of the database.
func docTables(t *testing.T, db *topology.Database) []string {
	t.Helper()
	var b, warnings strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TABLE\tPLACEMENT\tKEY\tREASON")
	names := slices.SortedFunc(maps.Keys(db.Relations), func(x, y topology.TableName) int { return strings.Compare(x.Name, y.Name) })
	for _, name := range names {
		rel := db.Relations[name]
		key := "-"
		switch {
		case rel.Placement != topology.Sharded:
		case rel.Key.Column == "":
			key = fmt.Sprintf("%s:%s (in the name)", rel.Key.Kind, rel.Key.FromName)
		default:
			key = fmt.Sprintf("%s:%s %s", rel.Key.Kind, rel.Key.Column, rel.Key.Type)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", name, rel.Placement, key, rel.Reason)
		for _, warning := range rel.Warnings {
			fmt.Fprintf(&warnings, "%s: %s\n", name, warning)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(b.String() + "\nWARNINGS\n" + warnings.String()))
}

// docPlan returns the lines of a block with the answers as they are, and the
// number of statements.
func docPlan(db *topology.Database, lines []string) (out []string, statements int) {
	run := goldenRun{db: db, env: testEnv(), cache: NewCache(Options{Parser: pgparse.Parser{}})}
	var text []string
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, docAnswer):
			continue
		case strings.HasPrefix(line, docParams):
			run.params = docParameters(line)
		case line != "" && (!strings.HasPrefix(line, "--") || len(text) > 0):
			text = append(text, line)
		}
		out = append(out, line+"\n")
		if len(text) == 0 || !strings.HasSuffix(line, ";") {
			continue
		}
		answer := docPlanOne(&run, strings.TrimSuffix(strings.Join(text, "\n"), ";"))
		out = append(out, answer[:docAnswerLines(lines[i+1:], len(answer))]...)
		text, run.params = nil, nil
		statements++
	}
	return out, statements
}

// docAnswerLines is how much of an answer the document shows: as many lines as
// it does, all where it shows none yet.
func docAnswerLines(following []string, all int) int {
	n := 0
	for n < len(following) && strings.HasPrefix(following[n], docAnswer) {
		n++
	}
	if n == 0 {
		return all
	}
	return min(n, all)
}

// docParameters reads "-- with $1 = 42, $2 = NULL".
func docParameters(line string) sqlscan.Keys {
	var params textParams
	for i, part := range strings.Split(strings.TrimPrefix(line, docParams), ", ") {
		value, ok := strings.CutPrefix(part, fmt.Sprintf("$%d = ", i+1))
		if !ok {
			return params
		}
		if value == "NULL" {
			value = "null"
		}
		params = append(params, value)
	}
	return params
}

// docPlanOne plans a statement and returns the lines of its answer. SET
// shardproxy.key holds for the rest of the block.
func docPlanOne(run *goldenRun, text string) []string {
	var sc sqlscan.Scan
	sc.Statement([]byte(text), 0, 0)
	template := run.cache.Template(run.db, run.env, &sc)
	var p Plan
	template.Plan(run.db, run.env, &sc, run.params, &p)
	if s := p.Statement; s != nil && s.Kind == querytree.Set && s.Setting.Name == "shardproxy.key" {
		run.env.KeyHint = s.Setting.Values[0]
	}
	var out []string
	for _, line := range docWords(run.db, &p) {
		out = append(out, docAnswer+line+"\n")
	}
	return out
}

// docWords are a plan in the words of the document.
func docWords(db *topology.Database, p *Plan) []string {
	if p.Class == Reject {
		out := []string{fmt.Sprintf("refused with %s: %s", p.Err.SQLState, p.Err.Message)}
		if p.Err.Detail != "" {
			out = append(out, "detail: "+p.Err.Detail)
		}
		if p.Err.Hint != "" {
			out = append(out, "hint: "+p.Err.Hint)
		}
		return out
	}
	out := []string{docPlace(db, p)}
	if p.Rewrite != nil && p.Rewrite.AddColumns != nil {
		out = append(out, "sent with the column list ("+strings.Join(p.Rewrite.AddColumns, ", ")+")")
	}
	return out
}

func docPlace(db *topology.Database, p *Plan) string {
	switch p.Class {
	case Single:
		return docNode(db, p)
	case Subset:
		return "the nodes of the keys, " + docMerge(p.Merge)
	case Scatter:
		return "all nodes, " + docMerge(p.Merge)
	case Any:
		return "any node"
	case Nothing:
		return "any node: no row can match"
	case All:
		return "every node, home first"
	case Local:
		return "answered by the proxy"
	case Draw:
		return "the key is made first, then one node"
	case ByRows:
		return "the node of its first row; the key of every row is checked"
	case Deferred:
		return "decided when the parameters are bound"
	}
	return p.Class.String()
}

func docNode(db *topology.Database, p *Plan) string {
	switch {
	case p.Keyed && p.Several:
		return "one node, which has all the keys"
	case p.Keyed:
		return fmt.Sprintf("one node: %s:%s", p.Kind, ring.FormatKey(p.KeyType, p.Key))
	case p.Flags&FlagHinted != 0:
		return "one node, by the hint"
	case p.Partition == db.HomePartition():
		return "home"
	}
	return "one node"
}

func docMerge(m *Merge) string {
	if m == nil || len(m.Columns) == 0 {
		return "rows one after the other"
	}
	names := make([]string, len(m.Columns))
	for i, c := range m.Columns {
		names[i] = c.String()
	}
	return "one row merged: " + strings.Join(names, ", ")
}
