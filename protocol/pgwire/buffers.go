package pgwire

import "sync"

// The sizes of pooled buffers.
const (
	size0 = 2 << 10
	size1 = 8 << 10
	size2 = 32 << 10
	size3 = 128 << 10

	maxSizeClass = 3
)

// Buffers is a pool of read buffers, shared by any number of readers. The
// methods are safe for concurrent use, and work on a nil *Buffers, which pools
// nothing.
type Buffers struct{ p0, p1, p2, p3 sync.Pool }

// NewBuffers makes an empty pool.
func NewBuffers() *Buffers { return new(Buffers) }

// classSize is the size of a class of buffers.
func classSize(class uint8) int { return size0 << (2 * class) }

// get returns a buffer of exactly size bytes.
func (p *Buffers) get(size int) []byte {
	if p == nil {
		return make([]byte, size)
	}
	// The pools hold array pointers: a slice in an interface would allocate.
	switch size {
	case size0:
		if b, ok := p.p0.Get().(*[size0]byte); ok {
			return b[:]
		}
	case size1:
		if b, ok := p.p1.Get().(*[size1]byte); ok {
			return b[:]
		}
	case size2:
		if b, ok := p.p2.Get().(*[size2]byte); ok {
			return b[:]
		}
	case size3:
		if b, ok := p.p3.Get().(*[size3]byte); ok {
			return b[:]
		}
	}
	return make([]byte, size)
}

// put takes a buffer back. Buffers of other sizes are left to the collector.
func (p *Buffers) put(b []byte) {
	if p == nil {
		return
	}
	switch len(b) {
	case size0:
		p.p0.Put((*[size0]byte)(b))
	case size1:
		p.p1.Put((*[size1]byte)(b))
	case size2:
		p.p2.Put((*[size2]byte)(b))
	case size3:
		p.p3.Put((*[size3]byte)(b))
	}
}
