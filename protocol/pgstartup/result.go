package pgstartup

import (
	"errors"
	"fmt"
	"net"
	"time"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// CancelKey names the session whose query is to be canceled (manual, section
// "Canceling Requests in Progress").
type CancelKey struct {
	PID uint32
	// Secret has 4 bytes, or up to 256 where the version has LongKeys.
	Secret []byte
}

// Result is a client that has proved who it is and waits for Ready or Fail; or,
// with Cancel set, one that wants a query canceled and waits for nothing.
type Result struct {
	// Conn is the connection to go on with, encrypted or not. Closing it is
	// the caller's task.
	Conn net.Conn
	// Cancel is set for a CancelRequest; the fields below are not.
	Cancel *CancelKey
	// Deadline is when the login times out.
	Deadline time.Time
	// Version is the protocol both sides speak, 3.0 to 3.2.
	Version Version
	// User is who the client proved to be; Database what it asked for.
	User, Database string
	// Settings are parameters of the session to set, in order: a later one
	// overrides an earlier one of the same name. The values are unchecked.
	Settings []Setting
	// Encrypted: the connection uses TLS.
	Encrypted bool
	// Unread are bytes the client has sent behind its login already: they come
	// before what Conn gives.
	Unread []byte

	pending []byte // AuthenticationOk and what comes before it
}

// Ready completes the login: it tells the client the parameters of the
// session and its cancel key, that it may begin, and clears the deadline of
// Conn.
func (r *Result) Ready(parameters []Setting, key CancelKey) error {
	if r.Cancel != nil {
		return errors.New("pgstartup: a cancel request is not answered")
	}
	if n := len(key.Secret); n != 4 && (!r.Version.LongKeys() || n < 4 || n > 256) {
		return fmt.Errorf("pgstartup: a cancel key of %d bytes does not fit protocol %s", n, r.Version)
	}
	out := r.pending
	for _, p := range parameters {
		out = pgwire.AppendParameterStatus(out, p.Name, p.Value)
	}
	out = pgwire.AppendBackendKeyData(out, key.PID, key.Secret)
	out = pgwire.AppendReadyForQuery(out, pgwire.TxIdle)
	r.pending = nil
	if err := writeBy(r.Conn, out); err != nil {
		return fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	return r.Conn.SetDeadline(time.Time{})
}

// Fail ends the login with what sqlerr.From makes of err, as FATAL. Nothing is
// sent to a client with Cancel. Conn is left open.
func (r *Result) Fail(err error) error {
	if r.Cancel != nil {
		return nil
	}
	out := pgwire.AppendErrorResponse(r.pending, sqlerr.From(err).Fatal())
	r.pending = nil
	if err := writeBy(r.Conn, out); err != nil {
		return fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	return nil
}
