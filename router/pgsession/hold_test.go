package pgsession

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/router/gate"
)

// TestOutdated: a connection from after the plan may carry it, unless a change that
// needed a hold was made or armed in between.
func TestOutdated(t *testing.T) {
	const planned, registered = 5, 8
	tests := []struct {
		name       string
		change     func(*topology.Database)
		registered topology.Epoch
		want       bool
	}{
		{"nothing", func(*topology.Database) {}, registered, false},
		{"a hold before the plan", func(db *topology.Database) { db.Held = planned }, registered, false},
		{"a hold after it", func(db *topology.Database) { db.Held = planned + 1 }, registered, true},
		{"a hold, but the connection is older", func(db *topology.Database) { db.Held = planned + 1 }, planned, false},
		{"armed since", func(db *topology.Database) { db.Armed = &topology.Armed{ID: planned + 1} }, registered, true},
		{"armed before", func(db *topology.Database) { db.Armed = &topology.Armed{ID: planned} }, registered, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			topo := oneTable(2)
			topo.Epoch = planned
			source := &published{topo}
			cfg := testConfig(topo)
			cfg.gate = gate.New(source)
			m := newMachine(cfg, noVars(), nil)
			db := topo.Databases["app"].Clone()
			tt.change(db)
			source.topo = &topology.Topology{Epoch: registered, Databases: map[string]*topology.Database{"app": db}}
			if got := m.outdated(tt.registered); got != tt.want {
				t.Errorf("outdated: %v, want %v", got, tt.want)
			}
		})
	}
	cfg := testConfig(oneTable(2))
	source := &published{cfg.gate.Current()}
	cfg.gate = gate.New(source)
	m := newMachine(cfg, noVars(), nil)
	source.topo = &topology.Topology{Epoch: m.topo.Epoch + 1}
	if !m.outdated(m.topo.Epoch + 1) {
		t.Error("the database is gone, and the plan may be sent")
	}
}

// TestPlannedAgain: the owners change while a request waits for its connection. The
// request is planned anew and runs at the new owner as if nothing had been, or, if
// something of it has taken effect, fails as one that can be repeated.
func TestPlannedAgain(t *testing.T) {
	const insert = "INSERT INTO t (user_id, a) VALUES (1, 2)"
	run := func(name, sql string) []byte {
		b := pgwire.AppendParse(nil, name, sql, nil)
		b = pgwire.AppendBind(b, "", name, nil, nil)
		return pgwire.AppendExecute(b, "", 0)
	}
	sync := pgwire.AppendSync(nil)
	tests := []struct {
		name    string
		request []byte
		want    []string
		rows    int
	}{
		{"a text", pgwire.AppendQuery(nil, insert), []string{"C INSERT", "Z I"}, 1},
		{"a batch", slices.Concat(run("", insert), sync), []string{"1", "2", "C INSERT", "Z I"}, 1},
		{"a named statement", slices.Concat(run("s", insert), sync), []string{"1", "2", "C INSERT", "Z I"}, 1},
		{"behind a BEGIN of the batch", slices.Concat(run("", "BEGIN"), run("", insert), sync), []string{"E 40001", "Z E"}, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := oneTable(2)
			source := &published{before}
			cfg := testConfig(before)
			cfg.gate = gate.New(source)
			db := before.Databases["app"].Clone()
			db.Owners = slices.Clone(db.Owners)
			for i := range db.Owners {
				db.Owners[i] = 1 - db.Owners[i]
			}
			after := &topology.Topology{Epoch: 2, Databases: map[string]*topology.Database{"app": db}}
			r := newRig(t, cfg)
			r.late = func() bool {
				changes := source.topo == before
				source.topo = after
				return changes
			}
			for _, frame := range frames(tt.request) {
				r.client(frame)
			}
			got := transcript(r.m.out)
			if len(got) > 2 && got[len(got)-2] == "E 40001" {
				got = got[len(got)-2:] // whatever was answered ahead of it
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("answer (-want +got)\n%s", diff)
			}
			if text := r.misplaced(); text != "" || r.committed() != tt.rows || r.m.topo != after && tt.rows > 0 {
				t.Errorf("%d rows, %s", r.committed(), text)
			}
		})
	}
}
