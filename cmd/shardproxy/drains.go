package main

import (
	"context"
	"sync"

	"shardproxy/meta/topology"
)

// reportDrained tells the leader of each armed change when nothing is under way
// here any more that was planned before it, until ctx ends.
func (e *engine) reportDrained(ctx context.Context) {
	changed, stop := e.store.Watch()
	defer stop()
	waits := make(map[string]*drainWait) // by database
	var group sync.WaitGroup
	defer group.Wait()
	for {
		armed := armedIn(e.store.Current())
		for database, w := range waits {
			if armed[database] != w.arm {
				w.stop()
				delete(waits, database)
			}
		}
		for database, arm := range armed {
			if waits[database] != nil {
				continue
			}
			limited, cancel := context.WithCancel(ctx)
			waits[database] = &drainWait{arm, cancel}
			group.Go(func() {
				defer cancel()
				if e.gate.Drain(limited, database, topology.Epoch(arm)) == nil {
					e.store.Drained(database, arm)
				}
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
	}
}

type drainWait struct {
	arm  topology.ArmID
	stop context.CancelFunc
}

// armedIn returns the armed changes by database.
func armedIn(t *topology.Topology) map[string]topology.ArmID {
	armed := make(map[string]topology.ArmID)
	for name, db := range t.Databases {
		if db.Armed != nil {
			armed[name] = db.Armed.ID
		}
	}
	return armed
}
