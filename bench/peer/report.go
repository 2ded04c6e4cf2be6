package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is the result of a run, as it is written to the JSON file.
type report struct {
	CPUs     int               `json:"cpus"`
	Rounds   int               `json:"rounds"`
	Seconds  float64           `json:"seconds_per_measurement"`
	Rows     int               `json:"rows"`
	Versions map[string]string `json:"versions"`
	Results  []result          `json:"results"`
}

// result holds the medians of one target in one combination. A ratio is 0 where
// there is nothing to compare.
type result struct {
	Protocol string `json:"protocol"`
	Clients  int    `json:"clients"`
	Target   string `json:"target"`
	// CPU of the proxy process for one statement; 0 where there is no proxy.
	CPU      float64 `json:"cpu_us_per_statement"`
	CPURatio float64 `json:"cpu_ratio_to_pgbouncer"`
	// LeastCPU is that of the round that was disturbed least.
	LeastCPU        float64 `json:"least_cpu_us_per_statement"`
	LeastCPURatio   float64 `json:"least_cpu_ratio_to_pgbouncer"`
	Throughput      float64 `json:"statements_per_second"`
	ThroughputRatio float64 `json:"throughput_ratio_to_pgbouncer"`
	Latency         float64 `json:"latency_us"`
	LatencyRatio    float64 `json:"latency_ratio_to_pgbouncer"`
	// Samples are the CPU microseconds of each round, in order.
	Samples []float64 `json:"cpu_us_samples,omitempty"`
}

func newReport(o options, versions map[string]string, samples []sample) *report {
	r := &report{
		CPUs: runtime.NumCPU(), Rounds: o.rounds, Seconds: o.duration.Seconds(),
		Rows: o.rows, Versions: versions,
	}
	for _, c := range combinations(o.protocols) {
		first := len(r.Results)
		for _, name := range o.targets {
			r.Results = append(r.Results, summarize(c, name, samples))
		}
		compare(r.Results[first:])
	}
	return r
}

// summarize takes the medians of one target in one combination.
func summarize(c combination, name string, samples []sample) result {
	var cpu, tps, latency []float64
	for _, s := range samples {
		if s.combination != c || s.target != name {
			continue
		}
		tps = append(tps, s.tps)
		latency = append(latency, microseconds(s.latency))
		if s.cpu > 0 {
			cpu = append(cpu, microseconds(s.cpu))
		}
	}
	return result{
		Protocol: c.protocol, Clients: c.clients, Target: name,
		CPU: median(cpu), LeastCPU: least(cpu), Throughput: median(tps), Latency: median(latency), Samples: cpu,
	}
}

// compare fills in the ratios to PgBouncer of the targets of one combination.
func compare(results []result) {
	i := slices.IndexFunc(results, func(r result) bool { return r.Target == pgBouncer })
	if i < 0 {
		return
	}
	peer := results[i]
	for i := range results {
		r := &results[i]
		r.CPURatio = ratio(r.CPU, peer.CPU)
		r.LeastCPURatio = ratio(r.LeastCPU, peer.LeastCPU)
		r.ThroughputRatio = ratio(r.Throughput, peer.Throughput)
		r.LatencyRatio = ratio(r.Latency, peer.Latency)
	}
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// median of values; 0 if there are none.
func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(values), cmp.Compare[float64])
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// least of values; 0 if there are none.
func least(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Min(values)
}

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

// writeMarkdown writes the table.
func (r *report) writeMarkdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "Point select by key, %d rows, %d CPUs, medians of %d rounds of %g s. Ratios are to PgBouncer",
		r.Rows, r.CPUs, r.Rounds, r.Seconds)
	if version := r.Versions[pgBouncer]; version != "" {
		fmt.Fprintf(&b, " %s", version)
	}
	b.WriteString(".\n\n" +
		"| protocol | clients | target | CPU us/statement | ratio | least | ratio | statements/s | ratio | latency us | ratio |\n" +
		"| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, x := range r.Results {
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %s | %s | %s | %.0f | %s | %.0f | %s |\n",
			x.Protocol, x.Clients, x.Target,
			optional(x.CPU, "%.1f"), optional(x.CPURatio, "%.2f"),
			optional(x.LeastCPU, "%.1f"), optional(x.LeastCPURatio, "%.2f"),
			x.Throughput, optional(x.ThroughputRatio, "%.2f"), x.Latency, optional(x.LatencyRatio, "%.2f"))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// optional formats a number that may be missing.
func optional(value float64, format string) string {
	if value == 0 {
		return "-"
	}
	return fmt.Sprintf(format, value)
}
