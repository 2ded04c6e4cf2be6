package plan

import (
	"encoding/binary"
	"testing"

	"shardproxy/ring"
	"shardproxy/router/pgparse"
	"shardproxy/router/sqlscan"
)

// benchStatement has 150 bytes.
const benchStatement = `SELECT "main".* FROM public.docs AS "main" WHERE "main"."_uid" = 'a9f5c0de8b1e4f1d' AND ("main"._tenant IN ('42') OR "main"._tenant IS NULL) LIMIT 25 `

// intParams are bound parameters in binary format: one int8.
type intParams struct{ wire [8]byte }

func newIntParams(n int64) *intParams {
	p := &intParams{}
	binary.BigEndian.PutUint64(p.wire[:], uint64(n))
	return p
}

func (p *intParams) AppendKey(dst []byte, n int, t ring.KeyType) ([]byte, sqlscan.KeyState) {
	key, ok := ring.AppendBinary(dst, t, p.wire[:])
	if !ok {
		return dst, sqlscan.KeyMismatch
	}
	return key, sqlscan.KeyOK
}

func (p *intParams) EachKey(int, ring.KeyType, func([]byte, sqlscan.KeyState) bool) sqlscan.KeyState {
	return sqlscan.KeyMismatch
}

// BenchmarkStatement is the way of a statement with literals: scan, cached
// template, key, partition, node.
func BenchmarkStatement(b *testing.B) {
	db, env := goldenDatabase(b), testEnv()
	cache := NewCache(Options{Parser: pgparse.Parser{}})
	text := []byte(benchStatement)
	var sc sqlscan.Scan
	var p Plan
	sc.Statement(text, 0, 0)
	cache.Template(db, env, &sc).Plan(db, env, &sc, nil, &p)
	if p.Class != Single || len(text) != 150 {
		b.Fatal(p.Class, len(text))
	}
	b.ReportAllocs()
	for b.Loop() {
		sc.Statement(text, 0, 0)
		cache.Template(db, env, &sc).Plan(db, env, &sc, nil, &p)
	}
}

// BenchmarkTemplate is finding the template alone.
func BenchmarkTemplate(b *testing.B) {
	db, env := goldenDatabase(b), testEnv()
	cache := NewCache(Options{Parser: pgparse.Parser{}})
	var sc sqlscan.Scan
	sc.Statement([]byte(benchStatement), 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		cache.Template(db, env, &sc)
	}
}

// BenchmarkPrepared is planning a prepared statement by one binary parameter.
func BenchmarkPrepared(b *testing.B) {
	db, env := goldenDatabase(b), testEnv()
	cache := NewCache(Options{Parser: pgparse.Parser{}})
	var sc sqlscan.Scan
	sc.Statement([]byte("SELECT * FROM orders WHERE user_id = $1 AND id = 5"), 0, 0)
	t := cache.Template(db, env, &sc)
	params := newIntParams(42)
	var p Plan
	b.ReportAllocs()
	for b.Loop() {
		t.Plan(db, env, &sc, params, &p)
	}
	if p.Class != Single {
		b.Fatal(p.Class)
	}
}

// BenchmarkInsertRows is planning an INSERT of ten rows of one key.
func BenchmarkInsertRows(b *testing.B) {
	db, env := goldenDatabase(b), testEnv()
	cache := NewCache(Options{Parser: pgparse.Parser{}})
	text := "INSERT INTO orders (user_id, amount) VALUES (1, 0)"
	for range 9 {
		text += ", (1, 2)"
	}
	var sc sqlscan.Scan
	var p Plan
	bytes := []byte(text)
	b.ReportAllocs()
	for b.Loop() {
		sc.Statement(bytes, 0, 0)
		cache.Template(db, env, &sc).Plan(db, env, &sc, nil, &p)
	}
	if p.Class != Single {
		b.Fatal(p.Class)
	}
}

// BenchmarkCompile is the first sight of a statement: parse and analyse.
func BenchmarkCompile(b *testing.B) {
	db, env := goldenDatabase(b), testEnv()
	var sc sqlscan.Scan
	sc.Statement([]byte(benchStatement), 0, 0)
	cache := NewCache(Options{Parser: pgparse.Parser{}, MaxShape: 1})
	b.ReportAllocs()
	for b.Loop() {
		cache.Template(db, env, &sc)
	}
}

// TestHotPathDoesNotAllocate: a cached plan of one key, by literal, by a list of
// literals, by parameter.
func TestHotPathDoesNotAllocate(t *testing.T) {
	db, env := goldenDatabase(t), testEnv()
	cache := NewCache(Options{Parser: pgparse.Parser{}})
	params := newIntParams(1)
	for _, text := range []string{
		benchStatement,
		"SELECT * FROM orders WHERE user_id = 1",
		"SELECT * FROM orders WHERE user_id IN (1, 7)",
		"SELECT * FROM orders WHERE user_id = $1",
		"SELECT * FROM orders WHERE user_id = 1 OR user_id = 7",
		"INSERT INTO orders (user_id, amount) VALUES (1, 2), (7, 3)",
		"UPDATE orders SET amount = 5 WHERE user_id = 1",
		"SELECT * FROM accounts WHERE login = 'bob'",
		"SELECT * FROM _7_files",
		"SELECT 1",
		"BEGIN",
		"SELECT * FROM orders",
	} {
		var sc sqlscan.Scan
		var p Plan
		bytes := []byte(text)
		run := func() {
			sc.Statement(bytes, 0, 0)
			cache.Template(db, env, &sc).Plan(db, env, &sc, params, &p)
		}
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}
