package backend

import "time"

// waiter is a client that waits for a connection.
type waiter struct {
	next, prev *waiter
	queued     bool
	since      time.Time
	limits     Limits // when it came
	// served gets exactly one value when the pool takes the waiter out of the
	// queue, and none when the waiter leaves by itself. It has room for it.
	served chan served
}

// served is what a waiter gets: a connection, now held, or an error.
type served struct {
	conn *Conn
	err  error
}

// queue is a list of waiters, the one that waits longest first. The zero value
// is empty.
type queue struct {
	first, last *waiter
	len         int
}

func (q *queue) pushBack(w *waiter) {
	w.prev, w.next, w.queued = q.last, nil, true
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.len++
}

func (q *queue) pushFront(w *waiter) {
	w.prev, w.next, w.queued = nil, q.first, true
	if q.first == nil {
		q.last = w
	} else {
		q.first.prev = w
	}
	q.first = w
	q.len++
}

// pop takes out the waiter that waits longest; nil: nobody waits.
func (q *queue) pop() *waiter {
	w := q.first
	if w != nil {
		q.remove(w)
	}
	return w
}

// remove takes w out and reports whether it was in.
func (q *queue) remove(w *waiter) bool {
	if !w.queued {
		return false
	}
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.next, w.prev, w.queued = nil, nil, false
	q.len--
	return true
}
