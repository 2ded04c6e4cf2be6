package backend

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"shardproxy/protocol/pgwire"
)

// Column describes a column of a Result.
type Column struct {
	Name    string
	TypeOID uint32
}

// Result is what a statement returned.
type Result struct {
	Columns []Column
	Rows    [][][]byte // in text format; a nil value is NULL
	Tag     string     // of CommandComplete: "SELECT 3"
	// TxStatus of the ReadyForQuery: 'I' idle, 'T' in a transaction, 'E' in a
	// failed one.
	TxStatus byte
	// Parameters are what ParameterStatus messages reported meanwhile; nil: none.
	Parameters map[string]string
}

// Limits of Exec, which is for small results.
const (
	maxExecMessage = 64 << 20
	maxExecResult  = 256 << 20
)

var errCopy = errors.New("backend: exec: COPY from and to the client is not possible here")

// Exec runs sql as a simple query on a connection that the caller holds and
// that is idle, and reads everything up to ReadyForQuery. It is meant for the
// proxy's own cold statements: the whole result is kept in memory. Where sql
// holds several statements the result is the last one's.
//
// An error of the server is a *pgconn.PgError with all its fields; the
// connection is clean then, as far as the returned Result's TxStatus says so. Errors that wrap ErrBroken leave a connection that
// Release closes: it was lost, ctx was done (the statement is cancelled), or a
// FATAL error ended it.
func Exec(ctx context.Context, c *Conn, sql string) (*Result, error) {
	if strings.IndexByte(sql, 0) >= 0 {
		return nil, errors.New("backend: exec: the statement contains a NUL byte")
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	query, err := (&pgproto3.Query{String: sql}).Encode(nil)
	if err != nil {
		return nil, fmt.Errorf("backend: exec: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.nc.SetDeadline(time.Unix(1, 0)) })
	x := execution{conn: c, r: bufio.NewReaderSize(c, 8<<10), result: new(Result)}
	err = x.run(query)
	interrupted := !stop()
	if err == nil && !interrupted {
		c.Unread(x.rest())
		return x.result, x.statementError()
	}
	c.MarkBroken()
	if interrupted {
		x.abandon(context.WithoutCancel(ctx))
		err = errors.Join(context.Cause(ctx), err)
	}
	return nil, fmt.Errorf("%w: %w", ErrBroken, errors.Join(err, x.statementError()))
}

// execution is one Exec.
type execution struct {
	conn   *Conn
	r      *bufio.Reader
	size   int // of the rows read
	result *Result
	failed *pgconn.PgError // the first error of the server
	copied bool            // it was a COPY TO STDOUT
}

// statementError is what was wrong with the statement, not the connection.
func (x *execution) statementError() error {
	switch {
	case x.failed != nil:
		return x.failed
	case x.copied:
		return errCopy
	default:
		return nil
	}
}

// rest is what was read behind ReadyForQuery.
func (x *execution) rest() []byte {
	b, _ := x.r.Peek(x.r.Buffered()) // cannot fail: it is all there
	return b
}

// abandon cancels the statement of a connection that will be closed.
func (x *execution) abandon(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = x.conn.Cancel(ctx) // it is closed in any case
}

// run sends the query and reads until ReadyForQuery.
func (x *execution) run(query []byte) error {
	if _, err := x.conn.Write(query); err != nil {
		return err
	}
	for {
		kind, body, err := x.next()
		if err != nil {
			return err
		}
		if kind == pgwire.MsgReadyForQuery {
			var m pgproto3.ReadyForQuery
			err := m.Decode(body)
			x.result.TxStatus = m.TxStatus
			return err
		}
		if err := x.message(kind, body); err != nil {
			return err
		}
	}
}

// next reads one message into memory of its own.
func (x *execution) next() (kind byte, body []byte, err error) {
	var header [5]byte
	if _, err := io.ReadFull(x.r, header[:]); err != nil {
		return 0, nil, err
	}
	length := binary.BigEndian.Uint32(header[1:])
	if length < 4 || length > maxExecMessage {
		return 0, nil, fmt.Errorf("message %q with length %d", header[0], length)
	}
	if x.size += int(length); x.size > maxExecResult {
		return 0, nil, fmt.Errorf("the result is larger than %d bytes", maxExecResult)
	}
	body = make([]byte, length-4)
	_, err = io.ReadFull(x.r, body)
	return header[0], body, err
}

// message takes one message of the answer.
func (x *execution) message(kind byte, body []byte) error {
	switch kind {
	case pgwire.MsgRowDescription:
		return x.rowDescription(body)
	case pgwire.MsgDataRow:
		var m pgproto3.DataRow
		err := m.Decode(body)
		x.result.Rows = append(x.result.Rows, m.Values)
		return err
	case pgwire.MsgCommandComplete:
		var m pgproto3.CommandComplete
		err := m.Decode(body)
		x.result.Tag = string(m.CommandTag)
		return err
	case pgwire.MsgErrorResponse:
		return x.errorResponse(body)
	case pgwire.MsgParameterStatus:
		return x.parameterStatus(body)
	case pgwire.MsgCopyInResponse:
		return x.refuseCopy()
	case pgwire.MsgCopyOutResponse:
		x.copied = true
		return nil
	case pgwire.MsgEmptyQueryResponse, pgwire.MsgNoticeResponse, pgwire.MsgNotificationResponse,
		pgwire.MsgCopyData, pgwire.MsgCopyDone:
		return nil // nothing of it is kept
	default:
		return fmt.Errorf("unexpected message %q", kind)
	}
}

func (x *execution) rowDescription(body []byte) error {
	var m pgproto3.RowDescription
	if err := m.Decode(body); err != nil {
		return err
	}
	x.result.Rows = nil
	x.result.Columns = make([]Column, len(m.Fields))
	for i, f := range m.Fields {
		x.result.Columns[i] = Column{Name: string(f.Name), TypeOID: f.DataTypeOID}
	}
	return nil
}

func (x *execution) errorResponse(body []byte) error {
	var m pgproto3.ErrorResponse
	if err := m.Decode(body); err != nil {
		return err
	}
	if x.failed == nil {
		x.failed = pgconn.ErrorResponseToPgError(&m)
	}
	return nil
}

func (x *execution) parameterStatus(body []byte) error {
	var m pgproto3.ParameterStatus
	if err := m.Decode(body); err != nil {
		return err
	}
	if x.result.Parameters == nil {
		x.result.Parameters = make(map[string]string)
	}
	x.result.Parameters[m.Name] = m.Value
	return nil
}

// refuseCopy ends a COPY FROM STDIN: there is nothing to send.
func (x *execution) refuseCopy() error {
	fail, err := (&pgproto3.CopyFail{Message: errCopy.Error()}).Encode(nil)
	if err != nil {
		return err
	}
	_, err = x.conn.Write(fail)
	return err
}
