package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	tests := []struct {
		values []float64
		want   float64
	}{
		{nil, 0},
		{[]float64{7}, 7},
		{[]float64{9, 1}, 5},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 3, 2}, 2.5},
	}
	for _, test := range tests {
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v) = %v, want %v", test.values, got, test.want)
		}
	}
}

// TestReport checks that the ratios are those of the medians, and that a target
// without a proxy has no CPU time.
func TestReport(t *testing.T) {
	o := options{
		targets: []string{direct, pgBouncer, shardProxy}, protocols: []string{"simple"},
		rounds: 3, duration: time.Second, rows: 10,
	}
	var samples []sample
	add := func(target string, tps float64, cpu ...int) {
		for _, c := range combinations(o.protocols) {
			for _, used := range cpu {
				samples = append(samples, sample{c, target, outcome{1000, tps, time.Second / time.Duration(tps)}, time.Duration(used) * time.Microsecond})
			}
		}
	}
	add(direct, 20000, 0, 0, 0)
	add(pgBouncer, 10000, 40, 18, 20)
	add(shardProxy, 8000, 30, 24, 90)
	var got strings.Builder
	if err := newReport(o, map[string]string{pgBouncer: "1.18.0"}, samples).writeMarkdown(&got); err != nil {
		t.Fatal(err)
	}
	_, rows, _ := strings.Cut(got.String(), "| ---: |\n")
	want := `| simple | 16 | direct | - | - | - | - | 20000 | 2.00 | 50 | 0.50 |
| simple | 16 | pgbouncer | 20.0 | 1.00 | 18.0 | 1.00 | 10000 | 1.00 | 100 | 1.00 |
| simple | 16 | shardproxy | 30.0 | 1.50 | 24.0 | 1.33 | 8000 | 0.80 | 125 | 1.25 |
| simple | 1 | direct | - | - | - | - | 20000 | 2.00 | 50 | 0.50 |
| simple | 1 | pgbouncer | 20.0 | 1.00 | 18.0 | 1.00 | 10000 | 1.00 | 100 | 1.00 |
| simple | 1 | shardproxy | 30.0 | 1.50 | 24.0 | 1.33 | 8000 | 0.80 | 125 | 1.25 |
`
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !strings.Contains(got.String(), "PgBouncer 1.18.0.") {
		t.Errorf("the version of the peer is missing:\n%s", got.String())
	}
}

func TestReportWithoutPeer(t *testing.T) {
	o := options{targets: []string{shardProxy}, protocols: []string{"simple"}, rounds: 1, duration: time.Second}
	samples := []sample{{combination{"simple", 16}, shardProxy, outcome{1000, 8000, time.Millisecond}, time.Microsecond}}
	for _, r := range newReport(o, nil, samples).Results {
		if r.CPURatio != 0 || r.ThroughputRatio != 0 || r.LatencyRatio != 0 {
			t.Errorf("ratios without anything to compare: %+v", r)
		}
	}
}
