package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// ChangeResult says what became of a change of the topology.
type ChangeResult uint8

// The results.
const (
	ChangeMade      ChangeResult = iota // it was made, and every peer has it or is cut off
	ChangeConflict                      // something else was changed or being changed
	ChangeRefused                       // the state of things does not allow it
	ChangeBusy                          // transactions did not end in time
	ChangeNoLeader                      // nobody could decide
	ChangeUnsettled                     // it was made, and not every peer is known to have it
	ChangeUnknown                       // it may have been made
	ChangeFailed                        // something else went wrong, a node for example

	changeResults = int(iota)
)

// String is the value of the label result.
func (r ChangeResult) String() string {
	switch r {
	case ChangeMade:
		return "ok"
	case ChangeConflict:
		return "conflict"
	case ChangeRefused:
		return "refused"
	case ChangeBusy:
		return "busy"
	case ChangeNoLeader:
		return "no_leader"
	case ChangeUnsettled:
		return "unsettled"
	case ChangeUnknown:
		return "unknown"
	case ChangeFailed:
		return "failed"
	}
	return fmt.Sprintf("ChangeResult(%d)", uint8(r))
}

// Changes counts changes of the topology, and statements that wait for one.
// Methods may be called by many goroutines at once.
type Changes struct {
	results [changeResults]prometheus.Counter
	waiting prometheus.Gauge
	held    prometheus.Counter
}

func newChanges() (*Changes, []prometheus.Collector) {
	byResult := prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: namespace, Name: "changes_total",
		Help: "Changes of the topology that this peer was to make as the leader, by what became of them.",
	}, []string{"result"})
	c := &Changes{
		waiting: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: "gate", Name: "waiting_clients",
			Help: "Clients whose statement waits for the end of a change or of a pause.",
		}),
		held: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "gate", Name: "statements_held_total",
			Help: "Statements that had to wait for the end of a change or of a pause.",
		}),
	}
	for i := range c.results {
		c.results[i] = byResult.WithLabelValues(ChangeResult(i).String())
	}
	return c, []prometheus.Collector{byResult, c.waiting, c.held}
}

// Result counts a change.
func (c *Changes) Result(r ChangeResult) { c.results[r].Inc() }

// Held counts a statement that begins to wait; GoesOn ends its wait.
func (c *Changes) Held() {
	c.held.Inc()
	c.waiting.Inc()
}

// GoesOn counts the end of a wait.
func (c *Changes) GoesOn() { c.waiting.Dec() }
