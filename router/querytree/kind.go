package querytree

import "strconv"

// String is the kind's name in words.
func (k StatementKind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "statement kind " + strconv.Itoa(int(k))
}

var kindNames = [...]string{
	Unsupported: "unsupported", Select: "select", Insert: "insert", Update: "update", Delete: "delete",
	Merge: "merge", Explain: "explain", DeclareCursor: "declare cursor", CreateTableAs: "create table as",
	Prepare: "prepare", Execute: "execute", Deallocate: "deallocate", Copy: "copy", Begin: "begin",
	Commit: "commit", Rollback: "rollback", Savepoint: "savepoint", ReleaseSavepoint: "release savepoint",
	RollbackTo: "rollback to savepoint", PrepareTransaction: "prepare transaction",
	SetTransaction: "set transaction", Set: "set", Reset: "reset", Show: "show", Discard: "discard",
	Listen: "listen", Unlisten: "unlisten", Notify: "notify", Fetch: "fetch", CloseCursor: "close cursor",
	DDL: "ddl", Truncate: "truncate", LockTable: "lock table", Maintain: "maintain",
	Privileges: "privileges", Call: "call", Checkpoint: "checkpoint", SetConstraints: "set constraints",
}
