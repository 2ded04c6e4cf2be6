package metrics

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

var update = flag.Bool("update", false, "rewrite testdata/exposition.txt")

func newMetrics(t testing.TB) (*Metrics, *prometheus.Registry) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	m, err := New(registry)
	if err != nil {
		t.Fatal(err)
	}
	return m, registry
}

// TestExposition counts one of everything and compares what Prometheus reads.
func TestExposition(t *testing.T) {
	m, registry := newMetrics(t)
	err := m.CollectPools(func() []PoolState {
		return []PoolState{
			{Database: "app", Node: "pg-1", Idle: 1, Active: 2, Cancelling: 3, Dialing: 4, Waiting: 5},
			{Database: "app", Node: "pg-1", Idle: 10, Active: 20, Waiting: 50, Failing: true},
			{Database: "app", Node: "pg-2"},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	err = m.CollectCluster(func() (ClusterState, bool) {
		return ClusterState{
			State: "Leader", Term: 3, LeaderKnown: true, Applied: 17, Last: 18, Voters: 3, Nonvoters: 1,
			Reports: []PeerReport{{"proxy-1", 0}, {"proxy-2", 1500 * time.Millisecond}},
			Held:    map[string]time.Duration{"app": 250 * time.Millisecond, "other": 0},
		}, true
	})
	if err != nil {
		t.Fatal(err)
	}
	m.Accepted()
	m.Epoch(42)
	for i := range changeResults {
		m.Changes().Result(ChangeResult(i))
	}
	m.Changes().Held()
	m.Changes().Held()
	m.Changes().GoesOn()
	for i := range refusals {
		m.Refused(Refusal(i))
	}
	for i := range cancelResults {
		m.Cancel(CancelResult(i))
	}
	app := m.Database("app")
	app.ClientJoined()
	app.ClientJoined()
	app.ClientLeft()
	app.Received(100)
	app.Sent(2000)
	app.Templates(1, 1)
	node := app.Node("pg-1")
	for i := range classes {
		app.Statement(Class(i), time.Millisecond)
		node.Statement(Class(i), 2*time.Second)
	}
	app.Error(ByClient, "42601")
	app.Error(ByProxy, "53300")
	app.Error(ByNode, "23505")
	app.Error(ByNode, "23505")
	app.Error(ByNode, "nonsense")
	node.QueueWaited(3 * time.Millisecond)
	node.Dialed(20*time.Millisecond, nil)
	node.Dialed(3*time.Second, errors.New("refused"))
	node.Closed("idle")

	scrape := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(scrape, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	got := scrape.Body
	golden := filepath.Join("testdata", "exposition.txt")
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%v: %v", problems, err)
	}
}

func TestRegisteredTwice(t *testing.T) {
	_, registry := newMetrics(t)
	var already prometheus.AlreadyRegisteredError
	if _, err := New(registry); !errors.As(err, &already) {
		t.Errorf("got %v", err)
	}
}

func TestHandlesAreShared(t *testing.T) {
	m, _ := newMetrics(t)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				d := m.Database("app")
				d.Node("pg-1").Statement(Single, time.Millisecond)
				d.Error(ByNode, "40001")
				d.ClientJoined()
			}
		})
	}
	group.Wait()
	d := m.Database("app")
	if n := testutil.ToFloat64(d.Node("pg-1").statements[Single]); n != 800 {
		t.Errorf("%v statements", n)
	}
	if n := testutil.ToFloat64(d.errorCounters("40001")[ByNode]); n != 800 {
		t.Errorf("%v errors", n)
	}
}

// TestSQLStatesAreBounded: a server that raises ever new SQLSTATEs does not
// make ever new series.
func TestSQLStatesAreBounded(t *testing.T) {
	m, registry := newMetrics(t)
	d := m.Database("app")
	for i := range 10_000 {
		d.Error(ByNode, fmt.Sprintf("%05d", i))
		d.Error(ByNode, strings.Repeat("x", i%10))
	}
	series, err := testutil.GatherAndCount(registry, "shardproxy_errors_total")
	if err != nil || series > (maxSQLStates+1)*sides {
		t.Errorf("%d series, %v", series, err)
	}
	if n := testutil.ToFloat64(d.errorCounters("other")[ByNode]); n != 10_000-(maxSQLStates-1)+10_000 {
		t.Errorf("%v others", n)
	}
}

func TestUnknownLabels(t *testing.T) {
	for _, label := range []fmt.Stringer{Class(99), Side(99), Refusal(99), CancelResult(99), ChangeResult(99)} {
		if !strings.Contains(label.String(), "(99)") {
			t.Errorf("got %s", label)
		}
	}
}

// TestClusterUnknown: nothing is claimed while nothing is known, and no contact
// while there was none.
func TestClusterUnknown(t *testing.T) {
	m, registry := newMetrics(t)
	known := false
	err := m.CollectCluster(func() (ClusterState, bool) { return ClusterState{State: "Candidate", LastContact: -1}, known })
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{"shardproxy_raft_state": 4, "shardproxy_raft_leader_known": 1, "shardproxy_raft_last_contact_seconds": 0} {
		known = false
		if n, err := testutil.GatherAndCount(registry, name); n != 0 || err != nil {
			t.Errorf("%s: %d series while nothing is known, %v", name, n, err)
		}
		known = true
		if n, err := testutil.GatherAndCount(registry, name); n != want || err != nil {
			t.Errorf("%s: %d series, want %d, %v", name, n, want, err)
		}
	}
}

// hotPath is what a statement and its messages count.
func hotPath(d *Database, n *Node) {
	d.Received(150)
	d.Templates(1, 0)
	n.Statement(Single, 700*time.Microsecond)
	n.QueueWaited(time.Microsecond)
	d.Statement(Scatter, time.Second)
	d.Sent(300)
	d.Error(ByNode, "23505")
}

func TestHotPathDoesNotAllocate(t *testing.T) {
	m, _ := newMetrics(t)
	d := m.Database("app")
	n := d.Node("pg-1")
	if allocs := testing.AllocsPerRun(1000, func() { hotPath(d, n) }); allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkStatement(b *testing.B) {
	m, _ := newMetrics(b)
	d := m.Database("app")
	n := d.Node("pg-1")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			d.Templates(1, 0)
			n.Statement(Single, 700*time.Microsecond)
		}
	})
}
