package noderegistry

import (
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
)

// Reason says why a node, or its registry, refuses.
type Reason uint8

// The reasons. All but StaleEpoch last until somebody acts.
const (
	NotANode     Reason = iota + 1 // there is no schema, or the database was not adopted
	OtherNode                      // it is another node, or one of another cluster
	CopyOfNode                     // the row was written in another database or server
	StaleEpoch                     // the peer's topology is older than min_epoch
	Pooled                         // the connection goes through a pooler
	Standby                        // the server is in recovery
	NoRight                        // a role lacks a right
	NotOurs                        // a schema of that name is not the proxy's
	NewerVersion                   // a newer program made the schema
)

func (r Reason) String() string {
	switch r {
	case NotANode:
		return "not a node"
	case OtherNode:
		return "other node"
	case CopyOfNode:
		return "copy of a node"
	case StaleEpoch:
		return "stale epoch"
	case Pooled:
		return "pooled"
	case Standby:
		return "standby"
	case NoRight:
		return "missing right"
	case NotOurs:
		return "foreign schema"
	case NewerVersion:
		return "newer version"
	default:
		return fmt.Sprintf("Reason(%d)", uint8(r))
	}
}

// Refusal is the error of a node that will not serve. Its texts hold no secret.
type Refusal struct { //nolint:errname // it is what the node answers, and reads so
	Reason  Reason
	Message string
	Detail  string // may be empty
	Hint    string // what to do; may be empty
	cause   error  // the server's error; nil where the package noticed itself
}

func (r *Refusal) Error() string {
	text := r.Message
	if r.Detail != "" {
		text += ": " + r.Detail
	}
	if r.Hint != "" {
		text += " (" + r.Hint + ")"
	}
	return text
}

// Unwrap returns the server's *pgconn.PgError, or nil.
func (r *Refusal) Unwrap() error { return r.cause }

// ReasonOf returns the reason of the Refusal that err wraps, 0 without one.
func ReasonOf(err error) Reason {
	if r, ok := errors.AsType[*Refusal](err); ok {
		return r.Reason
	}
	return 0
}

const (
	hintAdopt  = "Start a peer of the cluster with the database in its configuration, or add the node: it is adopted then."
	hintRights = "docs/privileges.md has a script that grants the rights."
)

// refusal makes a Refusal of a server's error that is one; it returns nil for
// the others.
func refusal(err error) *Refusal {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return nil
	}
	r := &Refusal{Message: pg.Message, Detail: pg.Detail, Hint: pg.Hint, cause: pg}
	switch pg.Code {
	case "SP001":
		r.Reason = NotANode
	case "SP002":
		r.Reason = OtherNode
	case "SP003":
		r.Reason = CopyOfNode
	case "SP004":
		r.Reason = StaleEpoch
	case "SP005":
		r.Reason = Pooled
	case "SP007":
		r.Reason = NoRight
	case "42501": // insufficient_privilege
		r.Reason, r.Hint = NoRight, hintRights
	case "3F000", "42883", "42P01": // no such schema, function or table
		r.Reason, r.Detail, r.Hint = NotANode, pg.Message, hintAdopt
		r.Message = "this database is not a node of any cluster"
	case "0A000", "25006": // BEGIN READ WRITE, or a write, in recovery
		r.Reason, r.Detail, r.Hint = Standby, pg.Message, "Name the primary in the dsn of the node."
		r.Message = "the server is a standby in recovery"
	default:
		return nil
	}
	return r
}

// classify returns the Refusal that err stands for, else err with what was done.
func classify(what string, err error) error {
	if err == nil {
		return nil
	}
	if r := refusal(err); r != nil {
		return r
	}
	return fmt.Errorf("%s: %w", what, err)
}
