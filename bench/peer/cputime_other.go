//go:build !linux

package main

import (
	"errors"
	"time"
)

// cpuTime is the CPU time that a process has used; only Linux tells.
func cpuTime(int) (time.Duration, error) { return 0, errors.ErrUnsupported }
