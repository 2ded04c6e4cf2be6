package plan

import (
	"sync/atomic"
	"unsafe"
)

// counter counts for many goroutines that must not wait for each other's cache
// lines. Each session mostly adds to a stripe of its own.
type counter struct{ stripes [32]stripe }

type stripe struct {
	n atomic.Uint64
	_ [120]byte // two cache lines: the next one is fetched with each
}

// add counts one for a session, which is told apart by its environment's
// address.
func (c *counter) add(env *Env) {
	c.stripes[uintptr(unsafe.Pointer(env))>>7%uintptr(len(c.stripes))].n.Add(1)
}

func (c *counter) load() uint64 {
	n := uint64(0)
	for i := range c.stripes {
		n += c.stripes[i].n.Load()
	}
	return n
}
