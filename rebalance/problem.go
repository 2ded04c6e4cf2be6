package rebalance

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"shardproxy/meta/topology"
)

// Code names a kind of error. Codes never change their meaning.
type Code string

// The codes.
const (
	CodeInvalid         Code = "bad_request"      // the request contradicts itself
	CodeUnknownDatabase Code = "unknown_database" // no such database
	CodeUnknownNode     Code = "unknown_node"     // no such node in the database
	CodeUnsupported     Code = "unsupported"      // not for databases of this engine
	CodePreflight       Code = "preflight"        // a server is not fit; see Problems
	CodeHasData         Code = "has_data"         // there are rows, and they would have to move
	CodeLastNode        Code = "last_node"        // nobody would be left to own the partitions
	CodeUnreachable     Code = "node_unreachable" // a node does not answer
	CodeConflict        Code = "conflict"         // something else has changed, or is changing; try again
	CodeNode            Code = "node_error"       // a node failed half way; the same call may be made again
	CodeCluster         Code = "change_failed"    // the peers did not make the change, or do not all know of it
)

// Error says why nothing was changed, CodeCluster apart. Its texts hold no password.
type Error struct {
	Code    Code
	Message string
	Hint    string // what to do; may be empty
	// Problems are all that preflight found.
	Problems []string
	// Plan is what would be done, where it is known.
	Plan *Plan
	err  error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Message)
	for _, p := range e.Problems {
		b.WriteString("\n  - " + p)
	}
	if e.Hint != "" {
		b.WriteString("\n" + e.Hint)
	}
	return b.String()
}

// Unwrap returns the cause, or nil.
func (e *Error) Unwrap() error { return e.err }

// CodeOf returns the code of the *Error that err wraps, "" without one.
func CodeOf(err error) Code {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return ""
}

// changeError makes an *Error of what Cluster.Change returned. Where it names an
// epoch, the change was made there, and only its end is not known.
func changeError(what string, epoch topology.Epoch, err error) error {
	if own, ok := errors.AsType[*Error](err); ok {
		return own
	}
	e := &Error{Code: CodeCluster, Message: fmt.Sprintf("%s: %v", what, err), err: err}
	if epoch > 0 {
		e.Message = fmt.Sprintf("%s: the change was made at epoch %d, but: %v", what, epoch, err)
		e.Hint = "Do not repeat it before the peers agree again; look at the nodes."
	}
	if _, ok := errors.AsType[*topology.Conflict](err); ok {
		e.Code, e.Hint = CodeConflict, "Try again."
	}
	return e
}

// nodeFailed makes an *Error of what went wrong on a node.
func nodeFailed(node topology.NodeID, what string, err error) error {
	if ctx := contextError(err); ctx != nil {
		return fmt.Errorf("node %q: %s: %w", node, what, err)
	}
	return &Error{
		Code: CodeNode, Message: fmt.Sprintf("node %q: %s: %v", node, what, err),
		Hint: "Nothing has changed for clients. Once that is cured, make the same call again.", err: err,
	}
}

func contextError(err error) error {
	for _, c := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, c) {
			return c
		}
	}
	return nil
}
