package rebalance

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"shardproxy/meta/topology"
)

// Cluster is what the package needs of the peers.
type Cluster interface {
	// Current is the topology in use.
	Current() *topology.Topology
	// Change makes a change of one database. With prove, or where the command
	// needs it, all peers hold new transactions of that database, and are
	// drained or cut off; then prove is called with the topology that has the
	// change armed, and the change is made if it returns nil. Otherwise nothing
	// has happened, and the error wraps that of prove. It returns the epoch of
	// the change.
	Change(ctx context.Context, cmd topology.Command, prove func(ctx context.Context, t *topology.Topology) error) (topology.Epoch, error)
}

// Options of an Operator.
type Options struct {
	Cluster Cluster
	Logger  *slog.Logger // default: nothing is logged
	// ToolsDir holds pg_dump and pg_restore; by default they are looked for.
	ToolsDir string
	// ConnectTimeout bounds connecting to a node; default 5 s.
	ConnectTimeout time.Duration
	// LockTimeout bounds waiting for a lock on a node; default 5 s.
	LockTimeout time.Duration
}

// Operator adds, changes and removes nodes of databases. Its methods may be
// called by several goroutines, and must be called on the peer that leads. Their
// errors are *Error where they are not the context's.
type Operator struct{ opts Options }

// New checks the options.
func New(opts Options) (*Operator, error) {
	if opts.Cluster == nil {
		return nil, errors.New("rebalance: no cluster")
	}
	if opts.ConnectTimeout < 0 || opts.LockTimeout < 0 {
		return nil, errors.New("rebalance: a timeout is negative")
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Operator{opts: opts}, nil
}

// Result is what became of a request.
type Result struct {
	Plan *Plan `json:"plan"`
	// Epoch is the topology's after the change; 0 after a dry run.
	Epoch topology.Epoch `json:"epoch,omitempty"`
}

// database finds a database that this package can change.
func (o *Operator) database(name string) (*topology.Topology, *topology.Database, error) {
	t := o.opts.Cluster.Current()
	if t == nil {
		return nil, nil, &Error{Code: CodeConflict, Message: "this peer has no topology yet", Hint: "Try again in a moment."}
	}
	db := t.Databases[name]
	switch {
	case db == nil:
		return nil, nil, &Error{Code: CodeUnknownDatabase, Message: fmt.Sprintf("there is no database %q", name)}
	case db.Engine != topology.Postgres:
		return nil, nil, &Error{Code: CodeUnsupported, Message: fmt.Sprintf("database %q is of engine %s; nodes of PostgreSQL databases only can be added and removed", name, db.Engine)}
	}
	return t, db, nil
}
