package topology_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPure: what two peers could see differently is not used here. A length of
// time is a number, and a log value a text; the clock and the logger are not for
// this package.
func TestPure(t *testing.T) {
	allowed := map[string][]string{
		"time": {"Duration", "ParseDuration"},
		"slog": {"Value", "StringValue"},
	}
	forbidden := []string{
		"context", "crypto/rand", "log", "math/rand", "math/rand/v2", "net", "os", "runtime", "sync", "sync/atomic", "syscall", "unsafe",
	}
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	used := make(map[string]bool)
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), e.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil || spec.Name != nil || slices.Contains(forbidden, path) || strings.HasPrefix(path, "net/") {
				t.Errorf("%s imports %s", e.Name(), path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine", e.Name())
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if names, known := allowed[identName(x, ok)]; known {
					used[x.Name] = true
					if !slices.Contains(names, n.Sel.Name) {
						t.Errorf("%s uses %s.%s", e.Name(), x.Name, n.Sel.Name)
					}
				}
			}
			return true
		})
	}
	if len(used) != len(allowed) {
		t.Errorf("only %v is used: allow no more than that", used)
	}
}

func identName(x *ast.Ident, ok bool) string {
	if !ok {
		return ""
	}
	return x.Name
}
