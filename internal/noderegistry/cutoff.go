package noderegistry

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Session is a registered connection.
type Session struct {
	PID   int32
	Start time.Time // when the process started
	Peer  Peer
	Epoch uint64 // by which it registered
}

func (s Session) String() string {
	return fmt.Sprintf("process %d of %s, epoch %d", s.PID, s.Peer, s.Epoch)
}

// RemainingError says that sessions were still there when the time was up. The
// node's min_epoch has been raised all the same.
type RemainingError struct {
	Sessions []Session
	cause    error
}

// maxNamed is how many sessions an error names.
const maxNamed = 5

func (e *RemainingError) Error() string {
	names := make([]string, 0, maxNamed+1)
	for i, s := range e.Sessions {
		if i == maxNamed {
			names = append(names, "...")
			break
		}
		names = append(names, s.String())
	}
	return fmt.Sprintf("%d sessions that were to end are still there: %s: %v", len(e.Sessions), strings.Join(names, "; "), e.cause)
}

// Unwrap returns what ended the wait.
func (e *RemainingError) Unwrap() error { return e.cause }

// CutOff makes node n refuse registrations with an epoch below minEpoch, which
// is never lowered again, and ends every registered session but those of the
// allowed peers, whatever their epoch. It returns when none of them was left in
// two sweeps, with the number of those it ended.
//
// It waits for registrations under way, but not for one that hangs: its session
// is ended, too.
//
// conn is the administrative role's, outside a transaction, and must not be used
// again after an error. The time is bounded by ctx alone; a *RemainingError then
// names who is left. A *Refusal says that the database is not n.
func CutOff(ctx context.Context, conn *pgx.Conn, n Node, minEpoch uint64, allowed []Peer) (int, error) {
	if err := n.validate(); err != nil {
		return 0, err
	}
	if minEpoch > math.MaxInt64 {
		return 0, fmt.Errorf("noderegistry: epoch %d is beyond a bigint", minEpoch)
	}
	if status := conn.PgConn().TxStatus(); status != 'I' {
		return 0, fmt.Errorf("noderegistry: cut off: the connection is in transaction status %q", status)
	}
	c := &cutOff{conn: conn, node: n, minEpoch: int64(minEpoch), ended: make(map[int32]time.Time)}
	for _, p := range allowed {
		c.peers = append(c.peers, p.ID)
		c.incarnations = append(c.incarnations, int64(p.Incarnation))
	}
	if err := c.raise(ctx); err != nil {
		return len(c.ended), err
	}
	return c.clear(ctx)
}

// cutOff is one CutOff.
type cutOff struct {
	conn         *pgx.Conn
	node         Node
	minEpoch     int64
	peers        []string // the allowed ones
	incarnations []int64  // beside peers
	ended        map[int32]time.Time
}

const (
	firstPause = 5 * time.Millisecond
	lastPause  = 100 * time.Millisecond
	// sweeps without a session it takes.
	sweeps = 2
)

// clear ends sessions until none was left in two sweeps.
func (c *cutOff) clear(ctx context.Context) (int, error) {
	var last []Session
	pause := firstPause
	for empty := 0; ; {
		left, err := c.sweep(ctx)
		if err != nil {
			return len(c.ended), c.remaining(ctx, last, err)
		}
		if empty++; len(left) > 0 {
			empty = 0
		}
		if empty == sweeps {
			break
		}
		last = left
		if err := wait(ctx, pause); err != nil {
			return len(c.ended), c.remaining(ctx, last, err)
		}
		pause = min(2*pause, lastPause)
	}
	_, _ = Sweep(ctx, c.conn) // the rows only take room
	return len(c.ended), nil
}

// remaining is the error of a CutOff that ended early. Where nobody is known to
// be left it is what went wrong.
func (c *cutOff) remaining(ctx context.Context, last []Session, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if len(last) == 0 {
		return classify("cut off", err)
	}
	return &RemainingError{Sessions: last, cause: err}
}

// sweepSQL ends the sessions that are not allowed and returns those there are. A
// statement looks at the rows first and at the processes then, so it misses no
// session that had registered when it began. A process whose start we may not
// see counts as the row's, and is not ended.
const sweepSQL = `
SELECT s.pid, s.backend_start, s.peer, s.incarnation, s.epoch,
       CASE WHEN a.backend_start IS NULL THEN NULL ELSE pg_catalog.pg_terminate_backend(s.pid) END
  FROM shardproxy.session AS s
  JOIN pg_catalog.pg_stat_activity AS a
    ON a.pid = s.pid AND (a.backend_start IS NULL OR a.backend_start = s.backend_start)
 WHERE NOT EXISTS (SELECT FROM unnest($1::text[], $2::bigint[]) AS ok (peer, incarnation)
                    WHERE ok.peer = s.peer AND ok.incarnation = s.incarnation)
 ORDER BY s.pid`

// sweep signals all sessions that must end and returns them.
func (c *cutOff) sweep(ctx context.Context) ([]Session, error) {
	rows, err := c.conn.Query(ctx, sweepSQL, c.peers, c.incarnations)
	if err != nil {
		return nil, err
	}
	var (
		left               []Session
		s                  Session
		incarnation, epoch int64
		signalled          *bool
		hidden             bool
	)
	_, err = pgx.ForEachRow(rows, []any{&s.PID, &s.Start, &s.Peer.ID, &incarnation, &epoch, &signalled}, func() error {
		s.Peer.Incarnation, s.Epoch = uint64(incarnation), uint64(epoch)
		left = append(left, s)
		hidden = hidden || signalled == nil
		if signalled != nil && *signalled {
			c.ended[s.PID] = s.Start
		}
		return nil
	})
	if err == nil && hidden {
		err = &RemainingError{Sessions: left, cause: &Refusal{
			Reason: NoRight, Message: "the role may not see who they are", Hint: hintRights,
		}}
	}
	return left, err
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
