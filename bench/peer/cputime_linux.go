package main

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the CPU time that a process has used, user and system, all its
// threads. It is the sum of utime and stime in /proc/PID/stat, but in
// nanoseconds instead of clock ticks.
func cpuTime(pid int) (time.Duration, error) {
	// clock_getcpuclockid(3): the process's clock, of kind CPUCLOCK_SCHED.
	const sched = 2
	clock := int32(^pid<<3 | sched)
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("CPU time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}
