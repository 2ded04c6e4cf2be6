package noderegistry

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long Quiet waits for work to end by itself.
const patience = time.Second

// Quiet returns when nothing is left of what registered sessions were in the middle
// of when it was called. What does not end within a second is ended, session and
// all; the number of those is returned.
//
// It is for when every peer says that nothing is under way and none begins anything:
// what is found then is work whose client has gone. A server notices the end of a
// connection after the statement only, and commits it. What begins meanwhile, such
// as a login's first questions, is left alone.
//
// conn is as for CutOff, and so are the errors.
func Quiet(ctx context.Context, conn *pgx.Conn) (int, error) {
	q := &quiet{conn: conn, began: time.Now(), found: make(map[work]bool), ended: make(map[work]bool)}
	pause := firstPause
	for sweep := 1; ; sweep++ {
		err := q.sweep(ctx, sweep <= sweeps)
		if err == nil && len(q.left) == 0 && sweep >= sweeps {
			return len(q.ended), nil
		}
		if err == nil {
			err = wait(ctx, pause)
		}
		if err != nil {
			return len(q.ended), q.remaining(ctx, err)
		}
		pause = min(2*pause, lastPause)
	}
}

// work is what a session is in the middle of: a transaction or statement, told by
// its start.
type work struct {
	pid   int32
	since string
}

// quiet is one Quiet.
type quiet struct {
	conn  *pgx.Conn
	began time.Time
	found map[work]bool // in the first sweeps
	left  []Session     // those that are still in the middle of that
	ended map[work]bool
}

// quietSQL returns the sessions that are in the middle of something. A session
// whose state we may not see counts as busy.
const quietSQL = `
SELECT s.pid, s.backend_start, s.peer, s.incarnation, s.epoch,
       coalesce(a.xact_start, a.query_start, s.backend_start)::text
  FROM shardproxy.session AS s
  JOIN pg_catalog.pg_stat_activity AS a
    ON a.pid = s.pid AND (a.backend_start IS NULL OR a.backend_start = s.backend_start)
 WHERE a.state IS DISTINCT FROM 'idle'
 ORDER BY s.pid`

// sweep looks who is busy, and ends who has been for too long. adds says that new
// work counts, too.
func (q *quiet) sweep(ctx context.Context, adds bool) error {
	rows, err := q.conn.Query(ctx, quietSQL)
	if err != nil {
		return err
	}
	var (
		s                  Session
		incarnation, epoch int64
		w                  work
		slow               []work
	)
	q.left = nil
	late := time.Since(q.began) > patience
	_, err = pgx.ForEachRow(rows, []any{&s.PID, &s.Start, &s.Peer.ID, &incarnation, &epoch, &w.since}, func() error {
		w.pid = s.PID
		q.found[w] = q.found[w] || adds
		if !q.found[w] {
			return nil
		}
		s.Peer.Incarnation, s.Epoch = uint64(incarnation), uint64(epoch)
		q.left = append(q.left, s)
		if late {
			slow = append(slow, w)
		}
		return nil
	})
	for i := 0; i < len(slow) && err == nil; i++ {
		err = q.end(ctx, slow[i])
	}
	return err
}

// endSQL ends a session that is still in the middle of the same.
const endSQL = `
SELECT count(*) FILTER (WHERE pg_catalog.pg_terminate_backend(pid)) FROM pg_catalog.pg_stat_activity
 WHERE pid = $1 AND coalesce(xact_start, query_start, backend_start)::text = $2 AND state <> 'idle'`

func (q *quiet) end(ctx context.Context, w work) error {
	var ended int
	err := q.conn.QueryRow(ctx, endSQL, w.pid, w.since).Scan(&ended)
	if ended > 0 {
		q.ended[w] = true
	}
	return err
}

// remaining is the error of a Quiet that ended early.
func (q *quiet) remaining(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if len(q.left) == 0 {
		return classify("wait for sessions to end", err)
	}
	return &RemainingError{Sessions: q.left, cause: err}
}
