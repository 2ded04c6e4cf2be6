package noderegistry

import (
	"context"
	"encoding/binary"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// registerSQL takes the names as bytes: the session's client_encoding may be any.
const registerSQL = `SELECT shardproxy.register(
  pg_catalog.convert_from($1, 'UTF8'), pg_catalog.convert_from($2, 'UTF8'), pg_catalog.convert_from($3, 'UTF8'),
  pg_catalog.convert_from($4, 'UTF8'), $5, $6, $7)`

// Register registers the connection, in one round trip. It must be the first
// that happens on it, outside a transaction. It waits for a CutOff under way.
//
// The role's defaults for transactions do not matter: it works under
// default_transaction_read_only and under every isolation level.
//
// A refusal is a *Refusal. After any error the connection must be closed.
func Register(ctx context.Context, pg *pgconn.PgConn, r Registration) error {
	if err := r.validate(); err != nil {
		return err
	}
	number := func(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
	batch := new(pgconn.Batch)
	batch.ExecParams("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", nil, nil, nil, nil)
	batch.ExecParams(registerSQL, [][]byte{
		[]byte(r.Node.Cluster), []byte(r.Node.Database), []byte(r.Node.ID), []byte(r.Peer.ID),
		number(r.Peer.Incarnation), number(r.Epoch), number(uint64(pg.PID())),
	}, []uint32{
		pgtype.ByteaOID, pgtype.ByteaOID, pgtype.ByteaOID, pgtype.ByteaOID,
		pgtype.Int8OID, pgtype.Int8OID, pgtype.Int8OID,
	}, []int16{pgx.BinaryFormatCode}, nil)
	batch.ExecParams("COMMIT", nil, nil, nil, nil)
	_, err := pg.ExecBatch(ctx, batch).ReadAll()
	return classify(fmt.Sprintf("register as %s", r.Node), err)
}
