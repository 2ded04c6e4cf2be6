package noderegistry

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
)

// Check says whether Adopt would succeed, and changes nothing. roles are those
// the proxy logs in as: the role behind conn has to see and to end their
// sessions. The error joins what is wrong, *Refusal each.
func Check(ctx context.Context, conn *pgx.Conn, n Node, roles ...string) error {
	if err := n.validate(); err != nil {
		return err
	}
	rights := checkRoles(ctx, conn, roles)
	s, err := readState(ctx, conn)
	if err != nil || !s.exists || s.version == 0 {
		return errors.Join(err, rights)
	}
	r, err := readRow(ctx, conn)
	if err == nil && r != nil {
		err = r.conflict(n)
	}
	return errors.Join(err, rights)
}

// Adopt makes the schema, or brings it up to date, and writes into it which node
// the database is. It may be called again and by several at once. A database
// that is another node, of whatever cluster, is refused: it may be one server
// under two names. So is a copy of a node, which only Readopt can make one.
//
// It is one transaction. conn is the administrative role's.
func Adopt(ctx context.Context, conn *pgx.Conn, n Node) error {
	if err := n.validate(); err != nil {
		return err
	}
	return within(ctx, conn, func(tx pgx.Tx) error {
		if err := install(ctx, tx); err != nil {
			return err
		}
		r, err := readRow(ctx, tx)
		if err != nil {
			return err
		}
		if r == nil {
			return insert(ctx, tx, n)
		}
		if err := r.conflict(n); err != nil {
			return err
		}
		if r.system == nil && r.here.system != nil {
			return r.settle(ctx, tx, 0)
		}
		return nil
	})
}

// Readopt makes the database behind conn, a copy of node n, that node: after it
// was restored from a dump or upgraded by pg_upgrade. What was copied from must
// serve no more. minEpoch is the oldest epoch to be accepted from now on: the
// copy may have been made before it was raised.
func Readopt(ctx context.Context, conn *pgx.Conn, n Node, minEpoch uint64) error {
	if err := n.validate(); err != nil {
		return err
	}
	if minEpoch > math.MaxInt64 {
		return fmt.Errorf("noderegistry: epoch %d is beyond a bigint", minEpoch)
	}
	return within(ctx, conn, func(tx pgx.Tx) error {
		if err := install(ctx, tx); err != nil {
			return err
		}
		r, err := readRow(ctx, tx)
		switch {
		case err != nil:
			return err
		case r == nil:
			return &Refusal{Reason: NotANode, Message: "this database is not a copy of any node", Hint: hintAdopt}
		case r.node != n:
			return r.conflict(n)
		}
		return r.settle(ctx, tx, int64(minEpoch))
	})
}

// Release makes the database no node any more: it refuses all connections from
// now on, and can be adopted anew. Sessions that are registered go on: CutOff
// comes first. A database that is no node already is none of its errors.
func Release(ctx context.Context, conn *pgx.Conn, n Node) error {
	return within(ctx, conn, func(tx pgx.Tx) error {
		r, err := readRow(ctx, tx)
		if err != nil || r == nil {
			return err
		}
		if err := r.conflict(n); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `DELETE FROM shardproxy.node`)
		return classify("forget which node the database is", err)
	})
}

// durable makes a commit survive a crash where the server's default is that it
// may not.
const durable = `SELECT pg_catalog.set_config('synchronous_commit', 'on', true)
 WHERE pg_catalog.current_setting('synchronous_commit') = 'off'`

// within runs f in a transaction whose commit is durable.
func within(ctx context.Context, conn *pgx.Conn, f func(pgx.Tx) error) error {
	err := pgx.BeginTxFunc(ctx, conn, readCommitted(), func(tx pgx.Tx) error {
		if err := run(ctx, tx, durable); err != nil {
			return err
		}
		return f(tx)
	})
	if ReasonOf(err) != 0 {
		return err
	}
	return classify("change schema shardproxy", err)
}

func insert(ctx context.Context, tx pgx.Tx, n Node) error {
	p, err := readPlace(ctx, tx)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO shardproxy.node (cluster_id, database, node_id, system_identifier, database_oid)
VALUES ($1, $2, $3, $4, $5)`, n.Cluster, n.Database, n.ID, p.system, p.database)
	return classify("write which node the database is", err)
}

// settle writes where the row is now.
func (r *row) settle(ctx context.Context, tx pgx.Tx, minEpoch int64) error {
	_, err := tx.Exec(ctx, `UPDATE shardproxy.node SET system_identifier = $1, database_oid = $2, min_epoch = greatest(min_epoch, $3)`,
		r.here.system, r.here.database, minEpoch)
	return classify("write which node the database is", err)
}

// conflict says why the database cannot be n; nil if it is.
func (r *row) conflict(n Node) error {
	switch {
	case r.node.Cluster != n.Cluster:
		return &Refusal{
			Reason: OtherNode, Message: fmt.Sprintf("this database is %s already, not %s", r.node, n),
			Hint: "Correct the dsn. If that cluster is gone for good, DROP SCHEMA shardproxy CASCADE in this database.",
		}
	case r.node != n && r.copied():
		return &Refusal{
			Reason: OtherNode, Message: fmt.Sprintf("this database was restored or copied from %s, and is not %s", r.node, n),
			Hint: "A node that joins needs an empty database: its rows are another node's. To begin anew with this one, DROP SCHEMA shardproxy CASCADE in it.",
		}
	case r.node != n:
		return &Refusal{
			Reason: OtherNode, Message: fmt.Sprintf("this database is %s already, not %s", r.node, n),
			Detail: "Either two dsns name one database, or those of two nodes are swapped.",
			Hint:   "Correct the dsn.",
		}
	case r.copied():
		return &Refusal{
			Reason: CopyOfNode, Message: fmt.Sprintf("this database is a copy of %s", n),
			Detail: "It was adopted as another database or on another server, and restored or copied here since.",
			Hint:   `Correct the dsn. If this database is to take its place, see "Restored and upgraded nodes" in docs/privileges.md.`,
		}
	case r.system != nil && r.here.system == nil:
		return &Refusal{
			Reason: NoRight, Message: "the role may not call pg_control_system(), by which copies of the node are told",
			Hint: "GRANT EXECUTE ON FUNCTION pg_control_system() to it.",
		}
	}
	return nil
}
