package backend

import "time"

// Clock is the time that pools live by.
type Clock interface {
	Now() time.Time
	// NewTimer sends once on c after d unless stopped.
	NewTimer(d time.Duration) (c <-chan time.Time, stop func() bool)
}

// wallClock is the time of day.
type wallClock struct{}

func (wallClock) Now() time.Time { return time.Now() }

func (wallClock) NewTimer(d time.Duration) (<-chan time.Time, func() bool) {
	t := time.NewTimer(d)
	return t.C, t.Stop
}

var _ Clock = wallClock{}
