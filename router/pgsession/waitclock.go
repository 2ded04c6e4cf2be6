package pgsession

import (
	"sync/atomic"
	"time"
)

// waitClock tells a watcher since when a session has been waiting for a node.
type waitClock struct{ since atomic.Int64 }

func (w *waitClock) begin() { w.since.Store(time.Now().UnixNano()) }
func (w *waitClock) end()   { w.since.Store(0) }

// longer reports whether the session has been waiting for more than d.
func (w *waitClock) longer(d time.Duration, now time.Time) bool {
	since := w.since.Load()
	return since != 0 && now.UnixNano()-since > int64(d)
}
