package pgsession

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/backend"
)

// flushAt is how much output is gathered before it is written although more is
// at hand.
const flushAt = 16 << 10

// Session is one client's connection after its login: the goroutine that moves
// bytes between the client, the machine and a backend.
type Session struct {
	conn   net.Conn
	reader *pgwire.Reader
	m      *machine
	shared *Shared
	user   *topology.User
	ctx    context.Context

	// kept are the links of session pooling, and those that hold advisory locks.
	kept map[topology.NodeID]*link

	// running is what Cancel needs of the request in progress.
	running struct {
		sync.Mutex
		canceler backend.Canceler
		link     bool
		conn     *backend.Conn // of the link, for Abort
		// interrupt ends what the session waits for: a connection, a task.
		interrupt context.CancelCauseFunc
	}
	// work is the context of what interruptible runs, made anew when it has
	// interrupted something.
	work struct {
		ctx       context.Context
		interrupt context.CancelCauseFunc
	}
	// waiting is when the session began to wait for a node, in Unix
	// nanoseconds; 0 while it does not (see Watch).
	waiting  waitClock
	began    time.Time // when the last message of the request had come
	draining atomic.Bool
}

// errCanceled is the cause of a wait that a cancel request ended.
var errCanceled = sqlerr.QueryCanceled()

// Run serves the client until it leaves, its connection breaks, or ctx ends. The
// caller closes the connection.
func (s *Session) Run(ctx context.Context) error {
	s.ctx = ctx
	defer s.leave()
	for {
		var err error
		switch s.m.next() {
		case wantClient:
			s.observe()
			if s.m.atRest() {
				s.m.slot.Leave()
			}
			err = s.readClient()
		case wantTurn:
			s.waitTurn()
		case wantLink:
			s.acquireLink()
		case wantReplies:
			err = s.readReplies()
		case wantTask:
			s.runTask()
		case wantRelease:
			s.giveBack(s.m.leaving)
			s.m.released()
		case wantUnlock:
			s.closeKept(func(l *link) bool { return l.locks })
			s.m.unlocked()
		case wantEnd:
			s.observe()
			return s.flush()
		}
		if err != nil {
			return err
		}
	}
}

// readClient takes the client's next message, after everything gathered so far
// has been sent.
func (s *Session) readClient() error {
	if s.draining.Load() && s.m.idle() {
		return s.clientError(sqlerr.AdminShutdown())
	}
	if !s.m.holding() {
		s.reader.Release()
	}
	typ, frame, ok, err := s.reader.TryNext()
	if !ok && err == nil {
		if err := s.flushAll(); err != nil {
			return err
		}
		typ, frame, err = s.nextFrame()
	}
	if err != nil {
		return s.clientError(err)
	}
	s.begins(typ)
	s.m.receive(typ, frame)
	if s.m.link != nil && len(s.m.link.out) >= flushAt {
		return s.flushLink()
	}
	if s.reader.Held() > s.shared.MaxBatch {
		return s.clientError(sqlerr.LimitExceeded("the messages before a Sync are larger than the limit"))
	}
	return nil
}

// nextFrame waits for the client. A session that drains ends when it is idle.
func (s *Session) nextFrame() (typ byte, frame []byte, err error) {
	for {
		if s.draining.Load() && s.m.idle() {
			return 0, nil, sqlerr.AdminShutdown()
		}
		typ, frame, err = s.reader.Next()
		if !errors.Is(err, os.ErrDeadlineExceeded) || s.m.idle() {
			return typ, frame, err
		}
		_ = s.conn.SetReadDeadline(time.Time{}) // a closed connection fails in Next
	}
}

// clientError ends the session; a client that sent a malformed frame is told.
func (s *Session) clientError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) {
		s.m.state = stateEnd // nobody is there to be told
		return nil
	}
	if s.ctx.Err() != nil {
		err = context.Cause(s.ctx)
	} else if errors.Is(err, os.ErrDeadlineExceeded) {
		err = sqlerr.AdminShutdown()
	}
	s.m.out = pgwire.AppendErrorResponse(s.m.out, sqlerr.From(err).Fatal())
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second)) // best effort: the session ends anyway
	_ = s.flush()
	return err
}

// flush writes what was gathered for the client.
func (s *Session) flush() error {
	if len(s.m.out) == 0 {
		return nil
	}
	_, err := s.conn.Write(s.m.out)
	s.m.out = shrink(s.m.out)
	return err
}

// flushAll writes what was gathered for either side.
func (s *Session) flushAll() error {
	if err := s.flushLink(); err != nil {
		return err
	}
	return s.flush()
}

// shrink empties an output buffer, and drops it when it has grown large.
func shrink(b []byte) []byte {
	if cap(b) > 4*flushAt {
		return nil
	}
	return b[:0]
}

// acquireLink gets the connection that the machine waits for.
func (s *Session) acquireLink() {
	var l *link
	err := s.interruptible(func(ctx context.Context) (err error) {
		l, err = s.acquire(ctx, s.m.target)
		return err
	})
	s.running.Lock()
	if l != nil {
		s.running.canceler, s.running.link, s.running.conn = l.conn.Canceler(), true, l.conn
	}
	s.running.Unlock()
	s.m.acquired(l, err)
}

// runTask runs the task that the machine waits for.
func (s *Session) runTask() {
	err := s.interruptible(func(ctx context.Context) error { return s.m.task.run(ctx, s) })
	s.m.taskDone(err)
}

// interruptible runs a blocking f that Cancel, the end of the client or the end
// of the proxy can interrupt.
func (s *Session) interruptible(f func(ctx context.Context) error) error {
	if s.work.ctx == nil || s.work.ctx.Err() != nil {
		s.work.ctx, s.work.interrupt = context.WithCancelCause(s.ctx)
	}
	s.running.Lock()
	s.running.interrupt = s.work.interrupt
	s.running.Unlock()
	s.waiting.begin()
	err := f(s.work.ctx)
	s.waiting.end()
	s.running.Lock()
	s.running.interrupt = nil
	s.running.Unlock()
	return err
}

// giveBack returns a link to its pool, or closes it.
func (s *Session) giveBack(l *link) {
	s.running.Lock()
	s.running.link, s.running.conn = false, nil
	s.running.Unlock()
	s.release(l)
}

// Canceled says what a cancel request found.
type Canceled uint8

// What a cancel request may find.
const (
	CanceledNothing Canceled = iota + 1 // the session was between statements
	CanceledWait                        // it waited for a connection, or a task was at work
	CanceledOnNode                      // a node runs its statement, and was told
)

// Cancel cancels the statement in progress, as a CancelRequest asks. A client
// that waits for a connection is answered at once; between statements nothing
// happens. The error is that of telling the node.
func (s *Session) Cancel(ctx context.Context) (Canceled, error) {
	s.running.Lock()
	if interrupt := s.running.interrupt; interrupt != nil {
		interrupt(errCanceled)
		s.running.Unlock()
		return CanceledWait, nil
	}
	canceler, holds := s.running.canceler, s.running.link
	s.running.Unlock()
	if !holds {
		return CanceledNothing, nil
	}
	return CanceledOnNode, canceler.Cancel(ctx)
}

// Close frees what a session holds that was not run. It may be called after Run.
func (s *Session) Close() {
	defer s.m.slot.Close() // after everything it holds was given back
	s.reader.Close()
	s.closeKept(func(*link) bool { return true }) // they may carry anything
}

// closeKept closes links that the session has kept.
func (s *Session) closeKept(which func(*link) bool) {
	for id, l := range s.kept {
		if which(l) {
			delete(s.kept, id)
			l.pool.Discard(l.conn)
		}
	}
}

// WaitingLonger reports whether the session has been waiting for a node for more
// than d. Safe for concurrent use, as are the methods below.
func (s *Session) WaitingLonger(d time.Duration, now time.Time) bool { return s.waiting.longer(d, now) }

// Vanish is told that the client is gone: what a node does for it is canceled,
// and the session ends.
func (s *Session) Vanish(ctx context.Context) {
	_ = s.conn.Close() // ends the session at its next write or read
	late, cancel := context.WithTimeout(ctx, cancelTimeout)
	defer cancel()
	_, _ = s.Cancel(late) // best effort: the session closes the connection anyway
}

// Drain lets the session end as soon as it is idle outside a transaction.
func (s *Session) Drain() {
	s.draining.Store(true)
	_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // wakes a session that reads
}

// Abort ends the session now, though a node does not answer.
func (s *Session) Abort() {
	s.Drain()
	_ = s.conn.Close()
	late, cancel := context.WithTimeout(context.Background(), cancelTimeout)
	defer cancel()
	_, _ = s.Cancel(late) // best effort: the process ends anyway
	s.running.Lock()
	defer s.running.Unlock()
	if s.running.link { // not given back yet
		_ = s.running.conn.Close() // ends what the session reads or writes there
	}
}

// leave gives up what the session still holds when it ends.
func (s *Session) leave() {
	if s.work.interrupt != nil {
		s.work.interrupt(nil)
	}
	if l := s.m.leaving; l != nil {
		s.giveBack(l)
	}
	if l := s.m.link; l != nil {
		// In the middle of something, or pinned: the server ends it when the
		// connection closes.
		l.broken = true
		s.giveBack(l)
	}
}
