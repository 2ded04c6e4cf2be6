package pgsession

import (
	"context"
	"errors"
	"time"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// serverError is an ErrorResponse that a task got, byte for byte.
type serverError struct {
	code, message string
	frame         []byte
	before        []byte // notices ahead of it
}

func (e *serverError) Error() string { return e.message + " (SQLSTATE " + e.code + ")" }

// asServerError returns the error of a server that err is.
func asServerError(err error) (*serverError, bool) { return errors.AsType[*serverError](err) }

func newServerError(frame []byte) *serverError {
	e := &serverError{frame: append([]byte(nil), frame...)}
	var report pgwire.Report
	if report.Decode(e.frame) == nil {
		e.code, e.message = string(report.SQLState()), string(report.Message())
	}
	return e
}

// exchange writes what is pending on a link and reads the answers up to
// ReadyForQuery; handle sees every other message, valid during the call only.
// The error is the server's first (*serverError), handle's, or a loss of the
// connection; after the latter two the link is broken.
func (l *link) exchange(ctx context.Context, handle func(typ byte, frame []byte) error) error {
	defer l.interruptible(ctx)()
	err := l.write()
	if err == nil {
		err = l.readReady(handle)
	}
	if err != nil {
		l.broken = true
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	if failure := l.failure; failure != nil {
		l.failure = nil
		return failure
	}
	return nil
}

// interruptible lets the end of ctx end what runs on the link: a client's
// cancel cancels the statement, which then answers; anything else cuts the
// connection. The caller runs what is returned when the work is done; nothing
// reaches the link's next holder.
func (l *link) interruptible(ctx context.Context) (done func()) {
	canceler := l.conn.Canceler()
	over := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(over)
		if errors.Is(context.Cause(ctx), errCanceled) {
			late, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelTimeout)
			defer cancel()
			if canceler.Cancel(late) == nil {
				return
			}
		}
		_ = l.conn.SetDeadline(time.Unix(1, 0))
	})
	return func() {
		if !stop() {
			<-over
		}
	}
}

// cancel ends the statement that runs on the link.
func (l *link) cancel() {
	ctx, stop := context.WithTimeout(context.Background(), cancelTimeout)
	defer stop()
	_ = l.conn.Cancel(ctx) // best effort: the link is closed anyway
}

// cancelTimeout is how long a CancelRequest may take before the connection is
// cut instead.
const cancelTimeout = 5 * time.Second

func (l *link) write() error {
	if len(l.out) == 0 {
		return nil
	}
	_, err := l.conn.Write(l.out)
	l.out = l.out[:0]
	if err != nil {
		return sqlerr.NodeLost(string(l.id)).Wrap(err)
	}
	return nil
}

// readReady reads up to ReadyForQuery and keeps the first error in l.failure.
func (l *link) readReady(handle func(typ byte, frame []byte) error) error {
	for {
		typ, frame, err := l.reader.NextWhole()
		if err != nil {
			return sqlerr.NodeLost(string(l.id)).Wrap(err)
		}
		switch typ {
		case pgwire.MsgErrorResponse:
			if l.failure == nil {
				l.failure = newServerError(frame)
			}
		case pgwire.MsgReadyForQuery:
			l.status = frame[pgwire.HeaderSize]
			l.reader.Release()
			return nil
		default:
			if err := handle(typ, frame); err != nil {
				return err
			}
		}
		l.reader.Release()
	}
}

// result is what a statement of ours returned.
type result struct {
	rows       [][][]byte // nil values are NULL
	parameters map[string]string
	tag        string
	notices    [][]byte // NoticeResponse frames
}

// exec runs a simple query of ours and keeps its small result in memory.
func (l *link) exec(ctx context.Context, sql []byte) (*result, error) {
	l.query(sql)
	r := new(result)
	err := l.exchange(ctx, r.take)
	return r, err
}

// apply brings the link to a set of settings.
func (l *link) apply(ctx context.Context, to *vars) error {
	if l.vars.equal(to) {
		return nil
	}
	sql, _ := appendDifference(nil, l.vars, to)
	l.vars = to
	if len(sql) == 0 {
		return nil
	}
	_, err := l.exec(ctx, sql)
	l.tainted = l.tainted || err != nil
	return err
}

// take keeps what a message says.
func (r *result) take(typ byte, frame []byte) error {
	switch typ {
	case pgwire.MsgDataRow:
		var row pgwire.DataRow
		if err := row.Decode(frame); err != nil {
			return err
		}
		values := make([][]byte, len(row.Values))
		for i, v := range row.Values {
			if v != nil {
				values[i] = append([]byte{}, v...)
			}
		}
		r.rows = append(r.rows, values)
	case pgwire.MsgParameterStatus:
		var p pgwire.ParameterStatus
		if err := p.Decode(frame); err != nil {
			return err
		}
		if r.parameters == nil {
			r.parameters = make(map[string]string)
		}
		r.parameters[string(p.Name)] = string(p.Value)
	case pgwire.MsgCommandComplete:
		var c pgwire.CommandComplete
		if err := c.Decode(frame); err != nil {
			return err
		}
		r.tag = string(c.Tag)
	case pgwire.MsgNoticeResponse:
		r.notices = append(r.notices, append([]byte(nil), frame...))
	}
	return nil
}
