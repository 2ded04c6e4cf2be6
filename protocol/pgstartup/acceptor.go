package pgstartup

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// ErrClientGone: the client closed the connection before it was logged in, as
// port probes, and psql before it asks for a password, do.
var ErrClientGone = errors.New("the client closed the connection during startup")

// writeTimeout is how long a client may take to read an answer.
const writeTimeout = 5 * time.Second

// Acceptor logs clients in. It is safe for concurrent use.
type Acceptor struct {
	o      Options
	limits *pgwire.Limits // of password messages
}

// New makes an Acceptor. The error lists everything that is wrong with o.
func New(o Options) (*Acceptor, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	a := &Acceptor{o: o, limits: pgwire.PasswordLimits(o.MaxStartupSize)}
	if len(o.MockKey) == 0 {
		a.o.MockKey = make([]byte, scramKeySize)
		if _, err := rand.Read(a.o.MockKey); err != nil {
			return nil, fmt.Errorf("pgstartup: draw a key: %w", err)
		}
	}
	return a, nil
}

// Accept takes a fresh connection through the startup up to the point where
// the client has proved who it is, or reads its CancelRequest. The deadline of
// conn is set to the login timeout and stays; Ready clears it.
//
// On an error the client has been told what it may know. The error is
// ErrClientGone, or an *sqlerr.Error (InvalidPassword, ProtocolViolation,
// LoginTimeout, AdminShutdown when ctx ended, ...) as the client saw it, with
// the cause inside. conn is never closed here: closing it is the caller's task.
func (a *Acceptor) Accept(ctx context.Context, conn net.Conn) (*Result, error) {
	deadline := time.Now().Add(a.o.LoginTimeout)
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		_ = conn.SetDeadline(time.Unix(1, 0)) // wakes the reader up
	})
	h := &handshake{a: a, ctx: ctx, raw: conn, deadline: deadline}
	h.in.conn = conn
	result, err := h.run()
	if !stop() {
		<-interrupted
		if err == nil {
			err = ctx.Err()
		}
	}
	if err != nil {
		return nil, h.refuse(err)
	}
	return result, nil
}

// refuse tells the client why, as far as that is possible, and returns the
// error for the caller.
func (h *handshake) refuse(err error) error {
	e := h.visible(err)
	if e == nil {
		if errors.Is(err, ErrClientGone) {
			return err
		}
		return fmt.Errorf("%w: %w", ErrClientGone, err)
	}
	if !h.mute {
		// The client may be gone already; then nobody has to be told.
		_ = h.sendError(e)
	}
	return e
}

// visible is what the client sees of err; nil: it is not there to see it.
func (h *handshake) visible(err error) *sqlerr.Error {
	var timeout net.Error
	switch e, ok := errors.AsType[*sqlerr.Error](err); {
	case ok:
		return e
	case h.ctx.Err() != nil:
		return sqlerr.AdminShutdown().Wrap(err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return sqlerr.LoginTimeout().Wrap(err)
	}
	if e, ok := errors.AsType[sqlerr.ClientError](err); ok {
		return e.ClientError().Fatal().Wrap(err)
	}
	if errors.Is(err, errHandshake) && !errors.Is(err, io.EOF) {
		return sqlerr.InvalidAuthorization("the TLS handshake failed").Wrap(err)
	}
	return nil
}
