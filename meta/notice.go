package meta

import "sync"

// notice wakes all who wait for something to change. The zero value is ready.
//
// To wait for a condition: take next, look at the condition, and receive from
// what was taken if it does not hold yet. So no change is missed.
type notice struct {
	mu struct {
		sync.Mutex
		changed chan struct{}
	}
}

// next returns a channel that is closed at the next change.
func (n *notice) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mu.changed == nil {
		n.mu.changed = make(chan struct{})
	}
	return n.mu.changed
}

// wake tells all who wait.
func (n *notice) wake() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.mu.changed != nil {
		close(n.mu.changed)
		n.mu.changed = nil
	}
}
