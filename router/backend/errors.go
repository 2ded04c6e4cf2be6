package backend

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
)

var (
	// ErrPoolClosed is wrapped by the error of an Acquire on a closed pool:
	// the node left the database, its login changed, or the proxy stops. A
	// caller that knows a newer topology may plan again; nothing was sent.
	ErrPoolClosed = errors.New("backend pool closed")
	// ErrStandby is wrapped by the error of a dial that reached only servers in
	// recovery.
	ErrStandby = errors.New("the server is a standby in recovery, not a primary")
	// ErrBroken is wrapped by errors of Exec after which the connection cannot
	// be used again. It is marked broken then: Release closes it.
	ErrBroken = errors.New("backend connection broken")

	errNoCancel = fmt.Errorf("backend: cancel: %w", errors.ErrUnsupported)
)

// queueState is what a client is told that waited in vain.
type queueState struct {
	node   topology.NodeID
	waited time.Duration
	max    int
	held   int
	cause  error // of the last failed dial; nil: the node accepts connections
}

// timeoutError is the error of a client that waited for QueueTimeout.
func timeoutError(q queueState) error {
	detail := fmt.Sprintf("Waited %s; pool size %d, %d connections in use.",
		q.waited.Round(time.Millisecond), q.max, q.held)
	e := sqlerr.QueueTimeout(string(q.node))
	if q.cause == nil {
		return e.WithDetail(detail)
	}
	return e.WithDetail(detail + " Further connections fail: " + oneLine(q.cause)).Wrap(q.cause)
}

// unavailableError is the error of a client whose node does not accept
// connections. retryIn is 0 where the next client tries again.
func unavailableError(node topology.NodeID, cause error, retryIn time.Duration) error {
	if e := refusalError(node, cause); e != nil {
		return e
	}
	e := sqlerr.NodeUnavailable(string(node))
	if reason := rejection(cause); reason != "" {
		e = sqlerr.NodeRejected(string(node), reason)
	}
	hint := "Check that the server runs and that the node's DSN is right."
	if retryIn > 0 {
		hint += fmt.Sprintf(" The next attempt to connect is in %s.", retryIn.Round(time.Millisecond))
	}
	return e.WithDetail(oneLine(cause)).WithHint(hint).Wrap(cause)
}

// rejection is what a server said that an operator has to put right: the
// classes 28 (authorization), 3D (no such database) and 42 (no privilege), or
// that it is no primary. Otherwise it is empty.
func rejection(cause error) string {
	if errors.Is(cause, ErrStandby) {
		return ErrStandby.Error()
	}
	if pg, ok := errors.AsType[*pgconn.PgError](cause); ok {
		switch class := pg.Code[:min(2, len(pg.Code))]; class {
		case "28", "3D", "42":
			return pg.Message
		}
	}
	return ""
}

// closedError is the error of a client that asks a closed pool.
func closedError(node topology.NodeID) error {
	return sqlerr.RetryTransaction(fmt.Sprintf(
		"the connections to node %q were closed: the node was removed, its login changed, or the proxy is stopping",
		string(node))).Wrap(ErrPoolClosed)
}

// oneLine puts an error on one line.
func oneLine(err error) string {
	return strings.Join(strings.Fields(err.Error()), " ")
}
