package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

// TestRun measures for a moment with everything but PgBouncer, which the tests
// do not require.
func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	file := filepath.Join(t.TempDir(), "sub", "result.json")
	var out, progress strings.Builder
	err := run(t.Context(), []string{
		"-targets", "direct,shardproxy", "-protocols", "prepared", "-rounds", "1", "-rows", "100", "-json", file,
	}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, progress.String())
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var got report
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Results) != 4 {
		t.Fatalf("%d results, want 2 targets with 16 clients and with 1:\n%s", len(got.Results), content)
	}
	for _, r := range got.Results {
		if r.Throughput <= 0 || r.Latency <= 0 || (r.CPU > 0) != (r.Target == shardProxy) {
			t.Errorf("implausible: %+v", r)
		}
	}
	if lines := strings.Count(out.String(), "\n"); lines != 8 {
		t.Errorf("%d lines:\n%s", lines, out.String())
	}
}

func TestCPUTime(t *testing.T) {
	const work = 30 * time.Millisecond
	before, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	start := resources(t)
	for resources(t)-start < work {
	}
	after, err := cpuTime(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if used := after - before; used < work || used > 20*work {
		t.Errorf("%v of work took %v of CPU time", work, used)
	}
	if _, err := cpuTime(1 << 22); err == nil {
		t.Error("no error for a process that cannot exist")
	}
}

// resources is what the kernel says of this process by another way.
func resources(t *testing.T) time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		t.Fatal(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
