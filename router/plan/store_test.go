package plan

import (
	"fmt"
	"sync"
	"testing"

	"shardproxy/meta/topology"
	"shardproxy/router/pgparse"
	"shardproxy/router/sqlscan"
)

func scanned(text string) *sqlscan.Scan {
	sc := &sqlscan.Scan{}
	sc.Statement([]byte(text), 0, 0)
	return sc
}

func TestCacheTellsApart(t *testing.T) {
	db, env := goldenDatabase(t), testEnv()
	c := NewCache(Options{Parser: pgparse.Parser{}})
	first := c.Template(db, env, scanned("SELECT * FROM orders WHERE user_id = 1"))
	if c.Template(db, env, scanned("select *  from orders where user_id = '7'")) != first {
		t.Error("another literal has another template")
	}
	other := *env
	other.SearchPath, other.SearchPathKey = []string{"pg_catalog", "other"}, "other"
	if c.Template(db, &other, scanned("SELECT * FROM orders WHERE user_id = 1")) == first {
		t.Error("another search path has the same template")
	}
	other = *env
	other.Backslash = true
	if c.Template(db, &other, scanned("SELECT * FROM orders WHERE user_id = 1")) == first {
		t.Error("another lexer mode has the same template")
	}
	later := *db
	later.SchemaEpoch++
	if c.Template(&later, env, scanned("SELECT * FROM orders WHERE user_id = 1")) == first {
		t.Error("another schema epoch has the same template")
	}
	if c.Template(db, env, scanned("SELECT * FROM items WHERE user_id = 1")) == first {
		t.Error("another shape has the same template")
	}
	if hits, misses := c.Hits(), c.Misses(); hits != 1 || misses != 5 {
		t.Errorf("%d hits, %d misses", hits, misses)
	}
}

func TestCacheForgets(t *testing.T) {
	db, env := goldenDatabase(t), testEnv()
	c := NewCache(Options{Parser: pgparse.Parser{}, Size: 16})
	hot := scanned("SELECT * FROM orders WHERE user_id = 1")
	for i := range 200 {
		c.Template(db, env, hot)
		c.Template(db, env, scanned(fmt.Sprintf("SELECT %d AS a%d", i, i)))
	}
	if n := c.store.len(); n != 16 {
		t.Errorf("%d templates", n)
	}
	if c.Misses() != 201 {
		t.Errorf("%d misses: the statement that is always used was forgotten", c.Misses())
	}
	if got := c.store.find(scanned("SELECT 0 AS a0"), env, db.SchemaEpoch); got != nil {
		t.Error("a template that was not used is still there")
	}
}

func TestCacheBoundsBytes(t *testing.T) {
	db, env := goldenDatabase(t), testEnv()
	c := NewCache(Options{Parser: pgparse.Parser{}, MaxBytes: 1000, MaxShape: 500})
	for i := range 100 {
		c.Template(db, env, scanned(fmt.Sprintf("SELECT 1 AS a%0100d", i)))
	}
	if n := c.store.len(); n < 2 || n > 9 {
		t.Errorf("%d templates of more than 100 bytes in 1000", n)
	}
	if c.Template(db, env, scanned(fmt.Sprintf("SELECT 1 AS b%0600d", 1))); c.store.bytes > 1000 {
		t.Errorf("%d bytes", c.store.bytes)
	}
}

// TestCacheIsShared: many sessions, few places, a new schema epoch on the way.
func TestCacheIsShared(t *testing.T) {
	db := goldenDatabase(t)
	later := *db
	later.SchemaEpoch++
	c := NewCache(Options{Parser: pgparse.Parser{}, Size: 8})
	var sessions sync.WaitGroup
	for s := range 8 {
		sessions.Go(func() {
			env := testEnv()
			var sc sqlscan.Scan
			var p Plan
			for i := range 300 {
				key := (s+i)%9 + 1
				text := fmt.Sprintf("SELECT %d AS c%d FROM orders WHERE user_id = %d", i, (s*i)%20, key)
				sc.Statement([]byte(text), 0, 0)
				now := db
				if i > 150 {
					now = &later
				}
				c.Template(now, env, &sc).Plan(now, env, &sc, nil, &p)
				if p.Class != Single || p.Key[0] != byte(key) {
					t.Errorf("%s: %v %x", text, p.Class, p.Key)
					return
				}
			}
		})
	}
	sessions.Wait()
	if n := c.store.len(); n > 8 {
		t.Errorf("%d templates", n)
	}
	if c.Hits()+c.Misses() != 8*300 {
		t.Errorf("%d hits and %d misses of %d", c.Hits(), c.Misses(), 8*300)
	}
}

func TestNodeSet(t *testing.T) {
	var s NodeSet
	for _, n := range []topology.NodeIndex{200, 0, 63, 64, 255, 64} {
		s.Add(n)
	}
	if s.Len() != 5 || !s.Has(200) || s.Has(1) {
		t.Errorf("%v", s)
	}
	var got []topology.NodeIndex
	for n := range s.All() {
		if got = append(got, n); n == 200 {
			break
		}
	}
	if fmt.Sprint(got) != "[0 63 64 200]" {
		t.Errorf("%v", got)
	}
}

// TestSyntaxErrorsAreOfTheText: what an error shows is what its own client wrote.
func TestSyntaxErrorsAreOfTheText(t *testing.T) {
	p := newPlanner(t)
	for _, tt := range []struct {
		text     string
		from     int
		message  string
		position int
	}{
		{"SELECT 'secret' 'x' FROM", 0, `syntax error at or near "'x'"`, 17},
		{"SELECT 1 2", 0, `syntax error at or near "2"`, 10},
		{"SELECT  17  25", 0, `syntax error at or near "25"`, 13},
		{"SELECT 'a' 1", 0, `syntax error at or near "1"`, 12},
		{"SELECT 'é'; SELECT 'b' 1", 12, `syntax error at or near "1"`, 24},
		{"/* x */ SELEKT 1", 0, `syntax error at or near "SELEKT"`, 9},
	} {
		var sc sqlscan.Scan
		sc.Statement([]byte(tt.text), tt.from, 0)
		var out Plan
		p.cache.Template(p.db, p.env, &sc).Plan(p.db, p.env, &sc, nil, &out)
		if out.Class != Reject || out.Err.SQLState != "42601" || out.Err.Message != tt.message || out.Err.Position != tt.position {
			t.Errorf("%s: %v at %d", tt.text, out.Err, out.Err.Position)
		}
	}
	if n := p.cache.store.len(); n != 0 {
		t.Errorf("%d templates of texts that do not parse", n)
	}
}
