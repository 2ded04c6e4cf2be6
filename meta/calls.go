package meta

import "sync"

// calls counts what others have begun, until it is closed. The zero value is
// ready.
type calls struct {
	mu struct {
		sync.Mutex
		closed bool
	}
	group sync.WaitGroup
}

// begin returns false after close. Else end has to be called.
func (c *calls) begin() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.mu.closed {
		c.group.Add(1)
	}
	return !c.mu.closed
}

func (c *calls) end() { c.group.Done() }

// close lets nothing more begin and waits for the rest.
func (c *calls) close() {
	c.mu.Lock()
	c.mu.closed = true
	c.mu.Unlock()
	c.group.Wait()
}
