package pgparse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// transaction converts BEGIN, COMMIT, ROLLBACK, SAVEPOINT and their relatives.
func transaction(s *querytree.Statement, t *pg.TransactionStmt) {
	s.Name = t.GetSavepointName()
	s.Transaction = transactionOptions(t.GetOptions())
	s.Transaction.Chain = t.GetChain()
	switch t.GetKind() {
	case pg.TransactionStmtKind_TRANS_STMT_BEGIN:
		s.Kind, s.Tag = querytree.Begin, "BEGIN"
	case pg.TransactionStmtKind_TRANS_STMT_START:
		s.Kind, s.Tag = querytree.Begin, "START TRANSACTION"
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT:
		s.Kind, s.Tag = querytree.Commit, "COMMIT"
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK:
		s.Kind, s.Tag = querytree.Rollback, "ROLLBACK"
	case pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT:
		s.Kind, s.Tag = querytree.Savepoint, "SAVEPOINT"
	case pg.TransactionStmtKind_TRANS_STMT_RELEASE:
		s.Kind, s.Tag = querytree.ReleaseSavepoint, "RELEASE"
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:
		s.Kind, s.Tag = querytree.RollbackTo, "ROLLBACK"
	case pg.TransactionStmtKind_TRANS_STMT_PREPARE:
		s.Kind, s.Tag, s.Name = querytree.PrepareTransaction, "PREPARE TRANSACTION", t.GetGid()
	case pg.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED:
		s.Kind, s.Tag, s.Name = querytree.PrepareTransaction, "COMMIT PREPARED", t.GetGid()
		s.InTransaction = false
	case pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED:
		s.Kind, s.Tag, s.Name = querytree.PrepareTransaction, "ROLLBACK PREPARED", t.GetGid()
		s.InTransaction = false
	default:
		s.Kind, s.Tag = querytree.Unsupported, t.GetKind().String()
	}
}

// transactionOptions reads ISOLATION LEVEL, READ ONLY and DEFERRABLE; as on
// the server the last one of a kind counts.
func transactionOptions(options []*pg.Node) querytree.Transaction {
	var out querytree.Transaction
	for _, n := range options {
		d := n.GetDefElem()
		value := d.GetArg().GetAConst()
		switch d.GetDefname() {
		case "transaction_isolation":
			out.Isolation = strings.ToLower(value.GetSval().GetSval())
		case "transaction_read_only":
			out.ReadOnly = tristate(value)
		case "transaction_deferrable":
			out.Deferrable = tristate(value)
		default:
			out.Other = d.GetDefname()
		}
	}
	return out
}

func tristate(a *pg.A_Const) querytree.Tristate {
	if a.GetIval().GetIval() != 0 {
		return querytree.Yes
	}
	return querytree.No
}
