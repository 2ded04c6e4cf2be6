package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"time"
)

// combination is a way of sending statements.
type combination struct {
	protocol string
	clients  int
}

// combinations lists what is measured: each protocol under load and alone.
func combinations(protocols []string) []combination {
	var list []combination
	for _, clients := range []int{16, 1} {
		for _, protocol := range protocols {
			list = append(list, combination{protocol, clients})
		}
	}
	return list
}

// sample is one measurement.
type sample struct {
	combination
	target string
	outcome
	cpu time.Duration // of the proxy, for one statement; 0: no proxy
}

// measure runs all rounds. In each, the targets take turns for each
// combination, so that what disturbs the machine disturbs all of them.
func (s *site) measure(ctx context.Context, o options, progress io.Writer) ([]sample, error) {
	var samples []sample
	all := combinations(o.protocols)
	for round := range o.rounds {
		for _, c := range all {
			fmt.Fprintf(progress, "round %d of %d: %s, %d clients\n", round+1, o.rounds, c.protocol, c.clients)
			for _, t := range s.targets {
				measured, err := s.sample(ctx, t, c, o.duration)
				if err != nil {
					return nil, fmt.Errorf("%s, %s, %d clients: %w", t.name, c.protocol, c.clients, err)
				}
				samples = append(samples, measured)
			}
		}
	}
	return samples, nil
}

// sample measures once. What the logins of the clients cost is measured before,
// by clients that send one statement each, and taken off.
func (s *site) sample(ctx context.Context, t target, c combination, duration time.Duration) (sample, error) {
	logins, loginCPU, err := s.metered(ctx, t, c, "--transactions=1")
	if err != nil {
		return sample{}, err
	}
	all, cpu, err := s.metered(ctx, t, c, "--time="+strconv.Itoa(int(duration/time.Second)))
	if err != nil {
		return sample{}, err
	}
	more := max(1, all.statements-logins.statements)
	return sample{combination: c, target: t.name, outcome: all, cpu: (cpu - loginCPU) / time.Duration(more)}, nil
}

// metered runs pgbench and returns the CPU time that the proxy used meanwhile.
func (s *site) metered(ctx context.Context, t target, c combination, length string) (outcome, time.Duration, error) {
	if t.pid == 0 {
		o, err := s.bench(ctx, t, c, length)
		return o, 0, err
	}
	before, err := cpuTime(t.pid)
	if err != nil {
		return outcome{}, 0, err
	}
	o, err := s.bench(ctx, t, c, length)
	if err != nil {
		return outcome{}, 0, err
	}
	after, err := cpuTime(t.pid)
	return o, after - before, err
}
