package integration

import "testing"

// A database's own stride: that of 64-bit ids, and of 32-bit ids where it is small.
func TestOwnStride(t *testing.T) {
	t.Parallel()
	for stride, want := range map[string][2]int64{"16": {16, 16}, "4096": {4096, 64}} {
		p := start(t, options{database: "stride: " + stride})
		conn := p.connect()
		do(t, conn, schema)
		do(t, conn, "CREATE TABLE narrow (id serial, user_id bigint NOT NULL, PRIMARY KEY (user_id, id))")
		for sequence, want := range map[string]int64{"documents_id_seq": want[0], "narrow_id_seq": want[1]} {
			if _, step := p.counterOf(sequence); step != want {
				t.Errorf("stride %s: %s counts by %d, want %d", stride, sequence, step, want)
			}
		}
		seen := map[string]bool{}
		for _, users := range p.keys(2) {
			for _, user := range users {
				id := query(t, conn, "INSERT INTO documents (user_id) VALUES ($1) RETURNING id", user)[0]
				if seen[id] {
					t.Errorf("stride %s: id %s twice", stride, id)
				}
				seen[id] = true
			}
		}
		if got := query(t, conn, "SELECT setval('documents_id_seq', 99)"); got[0] != "99" {
			t.Errorf("setval: %q", got)
		}
		next, _ := p.counterOf("documents_id_seq")
		for i, n := range next {
			if n < 100 || n >= 100+want[0] || n%want[0] != int64(i) {
				t.Errorf("stride %s: node %d goes on with %d", stride, i+1, n)
			}
		}
	}
}
