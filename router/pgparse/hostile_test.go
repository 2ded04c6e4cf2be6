package pgparse_test

import (
	"errors"
	"strings"
	"testing"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/pgparse"
	"shardproxy/router/querytree"
)

// nested builds texts of n levels, in every way that makes trees deep.
var nested = map[string]func(n int) string{
	"operators":     func(n int) string { return "SELECT 1" + strings.Repeat("+1", n) },
	"casts":         func(n int) string { return "SELECT 1" + strings.Repeat("::a", n) },
	"collations":    func(n int) string { return "SELECT a" + strings.Repeat(` COLLATE "C"`, n) },
	"time zones":    func(n int) string { return "SELECT a" + strings.Repeat(" AT TIME ZONE b", n) },
	"tests":         func(n int) string { return "SELECT a" + strings.Repeat(" IS NULL BETWEEN 1 AND 2", n) },
	"and in case":   func(n int) string { return "SELECT 1" + strings.Repeat(" + CASE WHEN a AND b THEN c END", n) },
	"joins":         func(n int) string { return "SELECT 1 FROM a" + strings.Repeat(" CROSS JOIN b", n) },
	"joins with on": func(n int) string { return "SELECT 1 FROM a" + strings.Repeat(" JOIN b ON c AND d OR e", n) },
	"right joins": func(n int) string {
		return "SELECT 1 FROM a" + strings.Repeat(" JOIN b", n) + strings.Repeat(" ON c AND d", n)
	},
	"unions": func(n int) string {
		return "SELECT 1" + strings.Repeat(" UNION ALL SELECT a, b FROM c WHERE d AND e", n)
	},
	"excepts":   func(n int) string { return "SELECT 1" + strings.Repeat(" EXCEPT VALUES (1), (2)", n) },
	"brackets":  func(n int) string { return "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n) },
	"functions": func(n int) string { return "SELECT " + strings.Repeat("f(a, ", n) + "1" + strings.Repeat(")", n) },
	"arrays":    func(n int) string { return "SELECT ARRAY" + strings.Repeat("[", n) + strings.Repeat("]", n) },
	"not":       func(n int) string { return "SELECT " + strings.Repeat("NOT ", n) + "a" },
	"minus":     func(n int) string { return "SELECT " + strings.Repeat("- ", n) + "a" },
	"case": func(n int) string {
		return "SELECT " + strings.Repeat("CASE WHEN ", n) + "1" + strings.Repeat(" THEN 1 END", n)
	},
	"subqueries": func(n int) string { return strings.Repeat("SELECT (", n) + "SELECT 1" + strings.Repeat(")", n) },
	"derived":    func(n int) string { return strings.Repeat("SELECT 1 FROM (", n) + "SELECT 1" + strings.Repeat(")", n) },
	"with": func(n int) string {
		return strings.Repeat("WITH a AS (", n) + "SELECT 1" + strings.Repeat(") SELECT 1", n)
	},
	"and, right": func(n int) string { return "SELECT " + strings.Repeat("a AND (", n) + "b" + strings.Repeat(")", n) },
	"chains in brackets": func(n int) string {
		return "SELECT " + strings.Repeat("(", n/4) + "1" + strings.Repeat("+1+1+1+1)", n/4)
	},
	"subscripts": func(n int) string { return "SELECT " + strings.Repeat("(", n) + "a" + strings.Repeat(")[1]", n) },
	"defaults":   func(n int) string { return "CREATE TABLE t (a int DEFAULT 1" + strings.Repeat("+1", n) + ")" },
	"policies":   func(n int) string { return "CREATE POLICY p ON t USING (a" + strings.Repeat(" || b", n) + ")" },
	"json":       func(n int) string { return "SELECT " + strings.Repeat("JSON_ARRAY(", n) + "1" + strings.Repeat(")", n) },
	"json tables": func(n int) string {
		return "SELECT * FROM JSON_TABLE(a, '$' COLUMNS (" + strings.Repeat("NESTED '$' COLUMNS (", n) + "b int" + strings.Repeat(")", n) + "))"
	},
	"explain":       func(n int) string { return "EXPLAIN SELECT 1" + strings.Repeat("*a", n) },
	"rule":          func(n int) string { return "CREATE RULE r AS ON UPDATE TO t DO SELECT 1" + strings.Repeat("-1", n) },
	"function body": func(n int) string { return "CREATE FUNCTION f() RETURNS int RETURN 1" + strings.Repeat("%1", n) },
	"comments":      func(n int) string { return strings.Repeat("/*", n) + strings.Repeat("*/", n) + "SELECT 1" },
}

// TestDepth parses texts of all depths: the deep ones are refused, and none
// ends the process.
func TestDepth(t *testing.T) {
	for name, text := range nested {
		t.Run(name, func(t *testing.T) {
			for _, n := range []int{300, 3900, 4100, 20_000} {
				statements, err := pgparse.Parser{}.Parse(text(n))
				var refused *sqlerr.Error
				switch {
				case err == nil && len(statements) != 1:
					t.Errorf("depth %d: %d statements", n, len(statements))
				case err == nil:
					querytree.Walk(statements[0], func(querytree.Node) bool { return true })
				case !errors.As(err, &refused):
					t.Errorf("depth %d: %v", n, err)
				case refused.SQLState != "54001" && !strings.Contains(refused.Message, "memory exhausted") && refused.SQLState != "54000":
					t.Errorf("depth %d: %v", n, err)
				case n <= 300:
					t.Errorf("depth %d is refused: %v", n, err)
				}
			}
		})
	}
}

// TestLongIsNotDeep parses long texts that are flat.
func TestLongIsNotDeep(t *testing.T) {
	const n = 2500
	texts := map[string]string{
		"values":     "INSERT INTO t VALUES (1, now(), NULL)" + strings.Repeat(", (1 + 2, now(), NULL)", n),
		"in":         "SELECT 1 WHERE a IN (1" + strings.Repeat(", f(2)", n) + ")",
		"or":         "SELECT 1 WHERE a = 1 AND b = 2" + strings.Repeat(" OR a = 1 AND b = 2", n),
		"and":        "SELECT 1 WHERE a" + strings.Repeat(" AND b BETWEEN 1 AND 2", n),
		"targets":    "SELECT 1" + strings.Repeat(", CASE WHEN a AND b THEN c END", n),
		"statements": strings.Repeat("SELECT a FROM b JOIN c ON d UNION SELECT 1;", n),
		"script":     strings.Repeat("CREATE TABLE t (a int PRIMARY KEY DEFAULT 1 + 2, b text NOT NULL);", n/10),
		"ruler":      strings.Repeat("-- "+strings.Repeat("=", 70)+"\n", 1000) + "SELECT 1",
		"string":     "SET a.b = '" + strings.Repeat("x + (y, ", 40_000) + "'",
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			if _, err := (pgparse.Parser{}).Parse(text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestRefusedTexts(t *testing.T) {
	tests := map[string]struct {
		text, state string
	}{
		"NUL":             {"SELECT 1\x00; DROP TABLE t", "22021"},
		"invalid UTF-8":   {"SELECT 'a\xffb'", "22021"},
		"cut off UTF-8":   {"SELECT '\xc3", "22021"},
		"too many tokens": {"SELECT 1" + strings.Repeat(",1", 300_000), "54000"},
		"nested comments": {strings.Repeat("/*", 200_000), "54000"},
		"plus signs":      {"SELECT " + strings.Repeat("+", 200_000) + "1", "54000"},
		"deep and long":   {"SELECT 1" + strings.Repeat("||a", 3000) + "||f('" + strings.Repeat("x", 1<<22) + "')", "54001"},
		"syntax":          {"SELEC", "42601"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			statements, err := pgparse.Parser{}.Parse(test.text)
			var refused *sqlerr.Error
			if !errors.As(err, &refused) || statements != nil {
				t.Fatalf("got %v, %v", statements, err)
			}
			if refused.SQLState != test.state {
				t.Errorf("got %v, want %s", refused, test.state)
			}
		})
	}
}
