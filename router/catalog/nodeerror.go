package catalog

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
)

// NodeError says what could not be done on which node. Its text holds no
// password.
type NodeError struct {
	Node topology.NodeID
	// Op is what was tried: "connect", "read the catalog".
	Op string
	// Hint says what to do, in a sentence; may be empty.
	Hint string
	err  error
}

func (e *NodeError) Error() string {
	text := fmt.Sprintf("node %q: %s: %s", e.Node, e.Op, e.err)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

func (e *NodeError) Unwrap() error { return e.err }

// ClientError implements sqlerr.ClientError.
func (e *NodeError) ClientError() *sqlerr.Error {
	if _, ok := errors.AsType[*pgconn.PgError](e.err); ok {
		return sqlerr.NodeRejected(string(e.Node), e.Op+": "+e.err.Error())
	}
	return sqlerr.NodeUnavailable(string(e.Node))
}

var _ sqlerr.ClientError = (*NodeError)(nil)

// nodeError wraps err, with advice for the usual causes.
func nodeError(node topology.NodeID, op string, err error) *NodeError {
	return &NodeError{Node: node, Op: op, Hint: hintFor(err), err: err}
}

func hintFor(err error) string {
	if noderegistry.ReasonOf(err) != 0 {
		return "" // it says itself what to do
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return hintForCode(pg.Code)
	}
	var dial *net.OpError
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "The server did not answer in time; check its address, its load and the network."
	case errors.As(err, &dial):
		return "Check that the server runs and that host and port in the node's dsn are right."
	}
	return ""
}

func hintForCode(code string) string {
	switch code {
	case "28P01", "28000":
		return "Check user and password in the node's dsn and admin_dsn, and the server's pg_hba.conf."
	case "3D000":
		return "Create the database, or correct its name in the node's dsn."
	case "53300":
		return "The server has no connection left; raise max_connections or lower the pools."
	case "57P03":
		return "The server is starting up or shutting down; try again."
	case "42501":
		return "Grant the right, or name a role that has it in the node's admin_dsn."
	case "55P03":
		return "Another transaction holds a lock; end it and try again."
	}
	return ""
}
