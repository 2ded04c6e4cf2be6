package sqlscan

import (
	"bufio"
	"os"
	"strings"
	"testing"

	pgquery "github.com/pganalyze/pg_query_go/v6"
)

// corpus returns the statements of testdata/statements.sql, which an empty
// line separates, without the lines of comment above each group.
func corpus(t testing.TB) []string {
	t.Helper()
	file, err := os.ReadFile("testdata/statements.sql")
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	for _, s := range strings.Split(string(file), "\n\n") {
		if s = strings.Trim(s, "\n"); s != "" && !strings.HasPrefix(s, "-- #") {
			statements = append(statements, s)
		}
	}
	return statements
}

// workload returns statements captured from an application, where they are at
// hand.
func workload(t testing.TB) []string {
	t.Helper()
	file, err := os.Open("../../../shared/workload/appwrite/statements-postgres-shared-tables.txt")
	if err != nil {
		return nil
	}
	defer file.Close()
	var statements []string
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		if s, ok := strings.CutPrefix(lines.Text(), "S: "); ok {
			statements = append(statements, s)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return statements
}

// Where a statement parses, its parse text does, to the same tree.
func TestParseTextMeansTheSame(t *testing.T) {
	statements := corpus(t)
	if len(statements) < 300 {
		t.Fatalf("only %d statements in the corpus", len(statements))
	}
	var s Scan
	for _, text := range append(statements, workload(t)...) {
		for at := 0; at < len(text); at = int(s.End) {
			s.Statement([]byte(text), at, 0)
			if err := sameTree(&s); err != nil {
				t.Errorf("%s\n\t%v", text[s.Span.Start:s.Span.End], err)
			}
		}
	}
}

// The corpus is SQL, but for the part that says it is not.
func TestCorpusParses(t *testing.T) {
	for _, text := range corpus(t) {
		_, err := pgquery.Parse(text)
		if refused := strings.Contains(text, "/* refused */"); (err != nil) != refused {
			t.Errorf("%s\n\t%v", text, err)
		}
	}
}

// Statements that can be stripped are, but for those that say so.
func TestCorpusStrips(t *testing.T) {
	var s Scan
	for _, text := range corpus(t) {
		s.Statement([]byte(text), 0, 0)
		if s.Empty || strings.Contains(text, "/* refused */") {
			continue
		}
		kept := strings.Contains(text, "/* kept */") || opens(text) == opensOther
		if s.Strippable == kept {
			t.Errorf("Strippable = %v: %s", s.Strippable, text)
		}
	}
}

// opens returns what the first word of a statement says.
func opens(text string) opening {
	tokens := NewTokens([]byte(text), 0, 0)
	tok := tokens.Next()
	for tok.Kind == TokenOpen {
		tok = tokens.Next()
	}
	return openingOf([]byte(strings.ToLower(text[tok.Start:tok.End])))
}
