package integration

import (
	"fmt"
	"strings"
	"testing"
)

// Under session pooling a client keeps its connection to each node; under
// transaction pooling clients share them.
func TestPoolingModes(t *testing.T) {
	for _, tt := range []struct {
		name    string
		options options
		keeps   bool
	}{
		{"transaction", options{pool: 5}, false},
		{"session, by user", options{pool: 5, user: "session_pooling: true"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := withSchema(t, tt.options)
			keys := p.keys(1)
			do(t, p.connect(), "SELECT 1") // something that may hold connections
			one, two := p.wire(), p.wire()
			pid := func(w *wire, key int64) string {
				got := w.simple(fmt.Sprintf("SELECT pg_backend_pid() FROM (VALUES (1)) v LEFT JOIN users ON users.id = %d", key))
				if len(errorsIn(got)) > 0 {
					t.Fatalf("%q", got)
				}
				return strings.TrimPrefix(got[1], "D ")
			}
			for node := range keys {
				key := keys[node][0]
				mine := pid(one, key)
				shared := false
				for range 5 {
					shared = shared || pid(two, key) == mine
					if tt.keeps && pid(one, key) != mine {
						t.Errorf("node %d: the client changed its connection", node+1)
					}
				}
				if shared == tt.keeps {
					t.Errorf("node %d: connection shared: %v", node+1, shared)
				}
			}
		})
	}
}
