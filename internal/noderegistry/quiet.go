package noderegistry

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// patience is how long Quiet waits for work to end by itself.
const patience = time.Second

// Quiet returns when no registered session is in the middle of anything, in two
// sweeps. What does not end within a second is ended, session and all; the number
// of those is returned.
//
// It is for when every peer says that nothing is under way and none begins anything:
// what is found then is work whose client has gone. A server notices the end of a
// connection after the statement only, and commits it.
//
// conn is as for CutOff, and so are the errors.
func Quiet(ctx context.Context, conn *pgx.Conn) (int, error) {
	q := &quiet{conn: conn, began: time.Now(), ended: make(map[int32]time.Time)}
	pause := firstPause
	for empty := 0; ; {
		busy, err := q.sweep(ctx)
		if err != nil {
			return len(q.ended), q.remaining(ctx, err)
		}
		if empty++; len(busy) > 0 {
			empty = 0
		}
		if empty == sweeps {
			return len(q.ended), nil
		}
		q.last = busy
		if err := wait(ctx, pause); err != nil {
			return len(q.ended), q.remaining(ctx, err)
		}
		pause = min(2*pause, lastPause)
	}
}

// quiet is one Quiet.
type quiet struct {
	conn  *pgx.Conn
	began time.Time
	last  []Session // that were busy in the sweep before
	ended map[int32]time.Time
}

// quietSQL ends, when told to, the sessions that are in the middle of something,
// and returns them. A session whose state we may not see counts as busy.
const quietSQL = `
SELECT s.pid, s.backend_start, s.peer, s.incarnation, s.epoch,
       CASE WHEN $1 AND a.backend_start IS NOT NULL THEN pg_catalog.pg_terminate_backend(s.pid) ELSE false END
  FROM shardproxy.session AS s
  JOIN pg_catalog.pg_stat_activity AS a
    ON a.pid = s.pid AND (a.backend_start IS NULL OR a.backend_start = s.backend_start)
 WHERE a.state IS DISTINCT FROM 'idle'
 ORDER BY s.pid`

func (q *quiet) sweep(ctx context.Context) ([]Session, error) {
	rows, err := q.conn.Query(ctx, quietSQL, time.Since(q.began) > patience)
	if err != nil {
		return nil, err
	}
	var (
		busy               []Session
		s                  Session
		incarnation, epoch int64
		signalled          bool
	)
	_, err = pgx.ForEachRow(rows, []any{&s.PID, &s.Start, &s.Peer.ID, &incarnation, &epoch, &signalled}, func() error {
		s.Peer.Incarnation, s.Epoch = uint64(incarnation), uint64(epoch)
		busy = append(busy, s)
		if signalled {
			q.ended[s.PID] = s.Start
		}
		return nil
	})
	return busy, err
}

// remaining is the error of a Quiet that ended early.
func (q *quiet) remaining(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if len(q.last) == 0 {
		return classify("wait for sessions to end", err)
	}
	return &RemainingError{Sessions: q.last, cause: err}
}
