package pgparse_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/router/pgparse"
	"shardproxy/router/querytree"
)

var update = flag.Bool("update", false, "write testdata/*.golden anew")

// area is a file of the corpus: statements separated by empty lines.
type area struct {
	name       string
	statements []string
}

func corpus(t testing.TB) []area {
	t.Helper()
	files, err := filepath.Glob("testdata/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	var out []area
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		a := area{name: strings.TrimSuffix(filepath.Base(file), ".sql")}
		a.statements = strings.Split(strings.TrimSpace(string(content)), "\n\n")
		out = append(out, a)
	}
	return out
}

// TestGolden holds the tree of every statement of the corpus.
func TestGolden(t *testing.T) {
	for _, a := range corpus(t) {
		t.Run(a.name, func(t *testing.T) {
			var b strings.Builder
			for _, text := range a.statements {
				s := parseOne(t, text)
				if s.Start != 0 || s.End != len(text) {
					t.Errorf("%s\nspans %d to %d of %d", text, s.Start, s.End, len(text))
				}
				b.WriteString(text + "\n----\n" + querytree.Dump(s) + "\n")
			}
			compareGolden(t, filepath.Join("testdata", a.name+".golden"), b.String())
		})
	}
}

func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), write it anew with -update:\n%s", file, diff)
	}
}

var literals = regexp.MustCompile(`'[^']*'|[0-9]+`)

// appwriteStatements are the statements of a real application, one for each
// shape, where the capture is there.
func appwriteStatements(t testing.TB) []string {
	t.Helper()
	content, err := os.ReadFile("../../../shared/workload/appwrite/statements-postgres-shared-tables.txt")
	if err != nil {
		return nil
	}
	var out []string
	seen := map[string]bool{}
	for line := range strings.Lines(string(content)) {
		text, ok := strings.CutPrefix(strings.TrimSpace(line), "S: ")
		shape := literals.ReplaceAllString(text, "?")
		if ok && !seen[shape] {
			seen[shape] = true
			out = append(out, text)
		}
	}
	return out
}

// refused are the statements that the corpus has because they must not be
// understood.
var refused = regexp.MustCompile(`CURRENT OF|\$0|\$4296015873|(numeric|varchar|my.type) ?\((f|g|x|\$1)|^LOAD|INTERVAL\(3\)`)

// TestUnknown lists what the trees have no form for: nothing but what is
// meant.
func TestUnknown(t *testing.T) {
	for _, a := range corpus(t) {
		for _, text := range a.statements {
			if got, want := hasUnknown(parseOne(t, text)), refused.MatchString(text); got != want {
				t.Errorf("%s: %s\nunknown: %v, want %v", a.name, text, got, want)
			}
		}
	}
	for _, text := range appwriteStatements(t) {
		list, err := pgparse.Parser{}.Parse(text)
		if err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		for _, s := range list {
			if hasUnknown(s) {
				t.Errorf("not understood: %s", text)
			}
		}
	}
}

func hasUnknown(s *querytree.Statement) bool {
	found := false
	querytree.Walk(s, func(n querytree.Node) bool {
		switch n := n.(type) {
		case *querytree.Unknown, *querytree.UnknownFrom:
			found = true
		case *querytree.Statement:
			found = found || n.Kind == querytree.Unsupported
		}
		return true
	})
	return found
}
