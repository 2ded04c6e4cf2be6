package pgparse_test

import (
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/pgparse"
)

var benchmarks = []struct{ name, text string }{
	{"point", `SELECT "main".* FROM "app"."users" AS "main" WHERE "main"."_tenant" IN ($2097152) AND "main"."_uid" = $1048577 LIMIT $1048578`},
	{"join", `SELECT u.id, u.name, count(*) AS n FROM users u JOIN orders o ON o.user_id = u.id AND o.state = $1048576 ` +
		`WHERE u.id = $1048577 AND o.created > now() - interval '1 day' GROUP BY u.id, u.name ORDER BY n DESC LIMIT $1048578`},
	{"upsert", `INSERT INTO "app"."docs" (_uid, _tenant, a, b, c) VALUES ($2097152) ON CONFLICT (_uid, _tenant) DO UPDATE SET a = EXCLUDED.a, b = EXCLUDED.b RETURNING _id`},
	{"begin", `BEGIN`},
	{"set", `SET statement_timeout = '15000ms'`},
	{"long", `SELECT 1 WHERE ` + strings.Repeat("a = $1048576 AND b = $1048577 OR ", 1000) + `c`},
}

// BenchmarkParse measures what the first sight of a shape costs.
func BenchmarkParse(b *testing.B) {
	for _, bench := range benchmarks {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := (pgparse.Parser{}).Parse(bench.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPgQuery is the part of BenchmarkParse that is not ours.
func BenchmarkPgQuery(b *testing.B) {
	for _, bench := range benchmarks {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := pg.Parse(bench.text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
