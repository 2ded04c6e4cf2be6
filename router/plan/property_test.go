package plan

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shardproxy/meta/topology"
	"shardproxy/router/pgparse"
	"shardproxy/router/sqlscan"
)

// facts are the parts of a plan that must not depend on how it was made.
type facts struct {
	Class      Class
	Node       topology.NodeIndex
	Nodes      NodeSet
	Key        string
	Several    bool
	Partitions string
	Write      bool
	Flags      string
	State      string
	Would      Would
	Merge      string
}

func factsOf(p *Plan) facts {
	f := facts{
		Class: p.Class, Node: p.Node, Nodes: p.Nodes, Several: p.Several,
		Write: p.Write, Flags: p.Flags.String(), Would: p.Would,
	}
	if p.Class == Single || p.Class == Subset {
		list := slices.Clone(p.Partitions)
		if p.Class == Single && !p.Several {
			list = append(list, p.Partition)
		}
		slices.Sort(list)
		f.Partitions = fmt.Sprint(list)
	}
	if p.Class == Single {
		f.Key = fmt.Sprintf("%v %s %x", p.Keyed, p.Kind, p.Key)
	}
	if p.Err != nil {
		f.State = p.Err.SQLState
	}
	if p.Merge != nil {
		f.Merge = fmt.Sprint(p.Merge.Columns)
	}
	return f
}

// oddNumber is a number that the parser does not show as it is spelled, or whose
// sign it shows as an operator around a cast.
var oddNumber = regexp.MustCompile(`0[xobXOB0-9]|[0-9]_[0-9]|-[0-9]+ *::|-\s*0`)

// threeWays plans a statement with a warm cache, a cold one, and with the
// literals left in the text.
type threeWays struct {
	db    *topology.Database
	env   *Env
	warm  *Cache
	plain compiler
}

// newTestCache is NewCache with a dialect that is made once for many.
func newTestCache(c compiler) *Cache {
	return &Cache{compiler: c, store: newStore(16, DefaultMaxBytes), maxShape: DefaultMaxShape}
}

func newThreeWays(t testing.TB) *threeWays {
	return &threeWays{
		db: goldenDatabase(t), env: testEnv(), warm: NewCache(Options{Parser: pgparse.Parser{}}),
		plain: compiler{dialect: postgresDialect(), parser: pgparse.Parser{}},
	}
}

func (w *threeWays) cached(text string) facts {
	return planWith(w.warm, w.db, w.env, text)
}

func (w *threeWays) cold(text string) facts {
	return planWith(newTestCache(w.plain), w.db, w.env, text)
}

func planWith(c *Cache, db *topology.Database, env *Env, text string) facts {
	var sc sqlscan.Scan
	sc.Statement([]byte(text), 0, 0)
	var p Plan
	c.Template(db, env, &sc).Plan(db, env, &sc, nil, &p)
	return factsOf(&p)
}

// unstripped plans the text as it is; false where it does not parse as one
// statement.
func (w *threeWays) unstripped(text string) (facts, bool) {
	statements, err := pgparse.Parser{}.Parse(text)
	if err != nil || len(statements) != 1 || oddNumber.MatchString(text) {
		return facts{}, false
	}
	var p Plan
	t := &Template{compiled: w.plain.compile(w.db, w.env, statements[0])}
	t.Plan(w.db, w.env, sqlscan.Keys(nil), nil, &p)
	return factsOf(&p), true
}

// check compares the three ways for one statement.
func (w *threeWays) check(t testing.TB, text string) {
	var sc sqlscan.Scan
	sc.Statement([]byte(text), 0, 0)
	if sc.Empty || len(sc.Hints) > 0 {
		return
	}
	text = text[sc.Span.Start:sc.Span.End]
	cached, again, cold := w.cached(text), w.cached(text), w.cold(text)
	if diff := cmp.Diff(cold, cached); diff != "" {
		t.Errorf("%q: cached (-cold +cached)\n%s", text, diff)
	}
	if diff := cmp.Diff(cold, again); diff != "" {
		t.Errorf("%q: cached again (-cold +cached)\n%s", text, diff)
	}
	plain, ok := w.unstripped(text)
	if !ok {
		return
	}
	if diff := cmp.Diff(plain, cold); diff != "" && !onlyErrors(plain, cold) {
		t.Errorf("%q: literals in the text (-plain +stripped)\n%s", text, diff)
	}
}

// onlyErrors: a key that is no key is noticed earlier or later, with another
// error, depending on whether it can be seen in the text.
func onlyErrors(x, y facts) bool { return x.Class == Reject && y.Class == Reject }

// goldenStatements are the statements of all golden files.
func goldenStatements(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no golden files", err)
	}
	var out []string
	for _, path := range files {
		for block := range strings.SplitSeq(readFile(t, path), "\n\n") {
			var lines []string
			for line := range strings.Lines(block) {
				if !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "@") && !strings.HasPrefix(line, "=>") {
					lines = append(lines, strings.TrimRight(line, "\n"))
				}
			}
			out = append(out, strings.TrimSpace(strings.Join(lines, "\n")))
		}
	}
	return out
}

func TestPlansDoNotDependOnTheCache(t *testing.T) {
	w := newThreeWays(t)
	for _, text := range goldenStatements(t) {
		w.check(t, text)
	}
}

// TestRandomLiterals puts random literals into the golden statements: a plan
// from the cache, made for other literals, is the plan of a cold start.
func TestRandomLiterals(t *testing.T) {
	w := newThreeWays(t)
	statements := goldenStatements(t)
	for _, text := range statements {
		w.cached(text)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(statements).Draw(t, "statement")
		var sc sqlscan.Scan
		sc.Statement([]byte(text), 0, 0)
		out := []byte(text)
		for i := len(sc.Literals) - 1; i >= 0; i-- {
			lit := sc.Literals[i]
			random := randomLiteral().Draw(t, "literal")
			out = slices.Replace(out, int(lit.Start), int(lit.End), []byte(random)...)
		}
		w.checkRapid(t, string(out))
	})
}

func (w *threeWays) checkRapid(t *rapid.T, text string) {
	cold, cached := w.cold(text), w.cached(text)
	if diff := cmp.Diff(cold, cached); diff != "" {
		t.Fatalf("%q (-cold +cached)\n%s", text, diff)
	}
	plain, ok := w.unstripped(text)
	if diff := cmp.Diff(plain, cold); ok && diff != "" && !onlyErrors(plain, cold) && !strings.Contains(text, "shardproxy:") {
		t.Fatalf("%q (-plain +stripped)\n%s", text, diff)
	}
}

func randomLiteral() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Map(rapid.Int64Range(-3, 12), func(n int64) string { return fmt.Sprint(n) }),
		rapid.Map(rapid.Int64(), func(n int64) string { return fmt.Sprint(n) }),
		rapid.SampledFrom([]string{
			"'1'", "'2'", "'01'", "' 1'", "5.5", "1e3", "0x10", "1_000", "'bob'", "'b''ob'", "E'b\\'ob'", "$$bob$$", "$x$1$x$",
			"''", "'{1,7}'", "'{1,2}'", "'{}'", "'{NULL,1}'", "'00000000-0000-0000-0000-000000000001'", "'\\x61'", "E'\\x31'",
			"99999999999999999999", "-0", "'-1'", "'bob      '",
		}),
	)
}

// FuzzPlan plans any text in the three ways.
func FuzzPlan(f *testing.F) {
	for i, text := range goldenStatements(f) {
		if i%8 == 0 { // all of them are in the other tests
			f.Add(text)
		}
	}
	w := newThreeWays(f)
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) < 2000 {
			w.check(t, text)
		}
	})
}
