package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const summary = `pgbench (15.19 (Debian 15.19-0+deb12u1))
transaction type: /tmp/select.pgbench
scaling factor: 1
query mode: extended
number of clients: 16
number of threads: 2
maximum number of tries: 1
duration: 1 s
number of transactions actually processed: 21788
number of failed transactions: 0 (0.000%)
latency average = 0.734 ms
initial connection time = 31.190 ms
tps = 21801.513402 (without initial connection time)
`

func TestParseOutcome(t *testing.T) {
	tests := []struct {
		name, output string
		want         outcome
		err          string
	}{
		{"good", summary, outcome{21788, 21801.513402, 734 * time.Microsecond}, ""},
		{"failed", strings.Replace(summary, "failed transactions: 0", "failed transactions: 3", 1), outcome{}, "transactions failed"},
		{"nothing done", strings.Replace(summary, "21788", "0", 1), outcome{}, "transactions failed"},
		{"aborted", summary + "pgbench: error: Run was aborted; the above results are incomplete.\n", outcome{}, "aborted"},
		{"cut short", summary[:strings.Index(summary, "latency")], outcome{}, "did not say"},
		{"empty", "", outcome{}, "did not say"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseOutcome(test.output)
			if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
				t.Fatalf("error %v, want %q", err, test.err)
			}
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(outcome{})); err == nil && diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestBouncerVersion(t *testing.T) {
	tests := []struct {
		output, version string
		prepares        bool
	}{
		{"PgBouncer 1.18.0\nlibevent 2.1.12-stable\n", "1.18.0", false},
		{"PgBouncer 1.20.1\n", "1.20.1", false},
		{"PgBouncer 1.21.0\n", "1.21.0", true},
		{"PgBouncer 2.0.0rc1\n", "2.0.0rc1", true},
		{"something else", "unknown", false},
	}
	for _, test := range tests {
		version, prepares := bouncerVersion(test.output)
		if version != test.version || prepares != test.prepares {
			t.Errorf("bouncerVersion(%q) = %q, %v", test.output, version, prepares)
		}
	}
}

func TestBouncerConfig(t *testing.T) {
	const setting = "max_prepared_statements"
	if !strings.Contains(bouncerConfig(1, 2, true), setting) {
		t.Errorf("a version that knows %s is not told", setting)
	}
	if strings.Contains(bouncerConfig(1, 2, false), setting) {
		t.Errorf("a version that does not know %s is told", setting)
	}
}

func TestParseOptions(t *testing.T) {
	tests := []struct {
		args []string
		err  string
	}{
		{nil, ""},
		{[]string{"-targets", "shardproxy", "-protocols", "simple", "-duration", "2s"}, ""},
		{[]string{"-targets", "odyssey"}, `"odyssey"`},
		{[]string{"-targets", "direct,direct"}, "given twice"},
		{[]string{"-protocols", ""}, "-protocols"},
		{[]string{"-rounds", "0"}, "-rounds"},
		{[]string{"-rows", "0"}, "-rows"},
		{[]string{"-duration", "1500ms"}, "whole seconds"},
		{[]string{"-duration", "0s"}, "whole seconds"},
		{[]string{"extra"}, `"extra"`},
		{[]string{"-unknown"}, "not defined"},
	}
	for _, test := range tests {
		_, err := parseOptions(test.args, new(strings.Builder))
		if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%q: error %v, want %q", test.args, err, test.err)
		}
	}
}

func TestFindSaysWhatToInstall(t *testing.T) {
	_, err := find("shardproxy-no-such-program", "some-package")
	if err == nil || !strings.Contains(err.Error(), "apt-get install -y some-package") {
		t.Errorf("error %v does not name the package", err)
	}
}
