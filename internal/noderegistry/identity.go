package noderegistry

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// querier is a connection or a transaction.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Identity is what a database says it is.
type Identity struct {
	Node     Node
	MinEpoch uint64
	// Copied: the row was written in another database or on another server. The
	// database was restored from a dump, made from it as a template, or upgraded
	// by pg_upgrade.
	Copied bool
}

// ReadIdentity asks the database behind conn what it is. It needs the rights of
// the owner of the schema. A database that is no node is a *Refusal with the
// reason NotANode.
func ReadIdentity(ctx context.Context, conn *pgx.Conn) (*Identity, error) {
	r, err := readRow(ctx, conn)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, notANode()
	}
	return &Identity{Node: r.node, MinEpoch: uint64(r.minEpoch), Copied: r.copied()}, nil
}

// Verify is refused unless the database behind conn is node n, not a copy of it.
// It needs the rights of the owner of the schema.
func Verify(ctx context.Context, conn *pgx.Conn, n Node) error {
	r, err := readRow(ctx, conn)
	if err != nil {
		return err
	}
	if r == nil {
		return notANode()
	}
	return r.conflict(n)
}

func notANode() *Refusal {
	return &Refusal{Reason: NotANode, Message: "this database is not a node of any cluster", Hint: hintAdopt}
}

// row is the row of the node, beside what the database is at present.
type row struct {
	node     Node
	minEpoch int64
	system   *int64 // nil: whoever wrote the row could not read it
	database uint32
	here     place
}

// place is a database of a server.
type place struct {
	system   *int64 // nil without the right to read it
	database uint32
}

// copied says whether the row was written elsewhere. A server whose identifier
// one of both could not read is told by its database alone.
func (r *row) copied() bool {
	return r.database != r.here.database || r.system != nil && r.here.system != nil && *r.system != *r.here.system
}

// readRow returns nil where the database was not adopted.
func readRow(ctx context.Context, q querier) (*row, error) {
	r := new(row)
	err := q.QueryRow(ctx, `SELECT cluster_id, database, node_id, min_epoch, system_identifier, database_oid FROM shardproxy.node`).
		Scan(&r.node.Cluster, &r.node.Database, &r.node.ID, &r.minEpoch, &r.system, &r.database)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, classify("read which node the database is", err)
	}
	r.here, err = readPlace(ctx, q)
	return r, err
}

func readPlace(ctx context.Context, q querier) (place, error) {
	var (
		p       place
		allowed bool
	)
	err := q.QueryRow(ctx, `SELECT d.oid, pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE')
  FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database()`).Scan(&p.database, &allowed)
	if err == nil && allowed {
		err = q.QueryRow(ctx, `SELECT system_identifier FROM pg_catalog.pg_control_system()`).Scan(&p.system)
	}
	return p, classify("read which server this is", err)
}
