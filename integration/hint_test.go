package integration

import (
	"fmt"
	"strings"
	"testing"
)

// A key given by hint places what has none, and must not contradict what has.
func TestKeyHints(t *testing.T) {
	p := withSchema(t, options{})
	keys := p.keys(1)
	w := p.wire()
	for node, ids := range keys {
		key := ids[0]
		for _, step := range []struct{ sql, want string }{
			{fmt.Sprintf("SET shardproxy.key = 'user:%d'", key), "C SET|Z I"},
			{"SELECT title FROM documents ORDER BY title LIMIT 1", "T title|C SELECT 0|Z I"},
			{fmt.Sprintf("/* shardproxy: key=user:%d */ SELECT title FROM documents ORDER BY title", key), "T title|C SELECT 0|Z I"},
			{selectTitle(keys[(node+1)%len(keys)][0]), "E 22023|Z I"},
			{"SET shardproxy.key = 'planet:42'", "E 22023|Z I"},
			{"SET shardproxy.key = 'user:abc'", "E 22023|Z I"},
			{"SHOW shardproxy.key", fmt.Sprintf("T shardproxy.key|D user:%d|C SHOW|Z I", key)},
			{"RESET shardproxy.key", "C RESET|Z I"},
			{"SELECT title FROM documents ORDER BY title LIMIT 1", "E 0A000|Z I"},
		} {
			if got := strings.Join(w.simple(step.sql), "|"); got != step.want {
				t.Errorf("%s: %s, want %s", step.sql, got, step.want)
			}
		}
	}
}
