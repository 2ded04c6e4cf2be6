package sqlerr

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// constructedCase is an error of a constructor, with what clients rely on.
type constructedCase struct {
	name      string
	err       *Error
	sqlstate  string
	mysql     uint16
	severity  string
	fault     Fault
	retryable bool
	message   string
}

var constructed = []constructedCase{
	{"NotSupported", NotSupported("x is not supported"), "0A000", 1235, "ERROR", FaultClient, false, `x is not supported`},
	{"Unroutable", Unroutable("no shard key"), "0A000", 1235, "ERROR", FaultClient, false, `no shard key`},
	{"SyntaxError", SyntaxError(`syntax error at or near "x"`, 3), "42601", 1064, "ERROR", FaultClient, false, `syntax error at or near "x"`},
	{"UndefinedTable", UndefinedTable("s.t"), "42P01", 1146, "ERROR", FaultClient, false, `relation "s.t" does not exist`},
	{"UndefinedColumn", UndefinedColumn("t", "c"), "42703", 1054, "ERROR", FaultClient, false, `column "c" of relation "t" does not exist`},
	{"AmbiguousColumn", AmbiguousColumn("c"), "42702", 1052, "ERROR", FaultClient, false, `column reference "c" is ambiguous`},
	{"UndefinedFunction", UndefinedFunction("f"), "42883", 1305, "ERROR", FaultClient, false, `function "f" does not exist`},
	{"InvalidKey", InvalidKey("t", "c", "bigint", "042"), "22P02", 1366, "ERROR", FaultClient, false, `invalid value for shard key "t.c" of type bigint: "042"`},
	{"NullKey", NullKey("t", "c"), "23502", 1048, "ERROR", FaultClient, false, `null value in shard key "t.c"`},
	{"InvalidHint", InvalidHint("key", "no value"), "22023", 1210, "ERROR", FaultClient, false, `invalid shardproxy hint "key": no value`},
	{"ConflictingHint", ConflictingHint("user:1", "user:2"), "22023", 1210, "ERROR", FaultClient, false, `the shardproxy hint "user:1" contradicts the statement`},
	{"InsufficientPrivilege", InsufficientPrivilege("no right to hint nodes"), "42501", 1227, "ERROR", FaultClient, false, `no right to hint nodes`},
	{"BadCopyData", BadCopyData("row 7 of t has no key"), "22P04", 1261, "ERROR", FaultClient, false, `row 7 of t has no key`},
	{"UnsupportedEncoding", UnsupportedEncoding("SJIS"), "22023", 1115, "ERROR", FaultClient, false, `client encoding "SJIS" is not supported`},
	{"InvalidText", InvalidText("shard key", "UTF8"), "22021", 1300, "ERROR", FaultClient, false, `invalid byte sequence for encoding "UTF8" in shard key`},

	{"InFailedTransaction", InFailedTransaction(), "25P02", 1105, "ERROR", FaultClient, false, `current transaction is aborted, commands ignored until end of transaction block`},
	{"ActiveTransaction", ActiveTransaction("VACUUM"), "25001", 1179, "ERROR", FaultClient, false, `VACUUM cannot run inside a transaction block`},
	{"NoActiveTransaction", NoActiveTransaction("SAVEPOINT"), "25P01", 1179, "ERROR", FaultClient, false, `SAVEPOINT can only be used in transaction blocks`},
	{"UndefinedSavepoint", UndefinedSavepoint("s"), "3B001", 1305, "ERROR", FaultClient, false, `savepoint "s" does not exist`},
	{"UndefinedPreparedStatement", UndefinedPreparedStatement("s"), "26000", 1243, "ERROR", FaultClient, false, `prepared statement "s" does not exist`},
	{"UndefinedPreparedStatement", UndefinedPreparedStatement(""), "26000", 1243, "ERROR", FaultClient, false, `unnamed prepared statement does not exist`},
	{"DuplicatePreparedStatement", DuplicatePreparedStatement("s"), "42P05", 1304, "ERROR", FaultClient, false, `prepared statement "s" already exists`},
	{"UndefinedPortal", UndefinedPortal("p"), "34000", 1324, "ERROR", FaultClient, false, `portal "p" does not exist`},
	{"DuplicatePortal", DuplicatePortal("p"), "42P03", 1333, "ERROR", FaultClient, false, `cursor "p" already exists`},
	{"UndefinedParameter", UndefinedParameter("x"), "42704", 1193, "ERROR", FaultClient, false, `unrecognized configuration parameter "x"`},
	{"InvalidParameterValue", InvalidParameterValue("x", "y", ""), "22023", 1231, "ERROR", FaultClient, false, `invalid value for parameter "x": "y"`},
	{"UnchangeableParameter", UnchangeableParameter("x", "why"), "55P02", 1238, "ERROR", FaultClient, false, `parameter "x" cannot be changed: why`},

	{"ProtocolViolation", ProtocolViolation("x"), "08P01", 1835, "ERROR", FaultClient, false, `x`},
	{"UnsupportedProtocol", UnsupportedProtocol(2, 0), "0A000", 1043, "FATAL", FaultClient, false, `unsupported frontend protocol 2.0: server supports 3.0 to 3.2`},
	{"InvalidPassword", InvalidPassword("u"), "28P01", 1045, "FATAL", FaultClient, false, `password authentication failed for user "u"`},
	{"InvalidAuthorization", InvalidAuthorization("no user"), "28000", 1698, "FATAL", FaultClient, false, `no user`},
	{"TLSRequired", TLSRequired(), "28000", 3159, "FATAL", FaultClient, false, `this server accepts encrypted connections only`},
	{"UndefinedDatabase", UndefinedDatabase("d"), "3D000", 1049, "FATAL", FaultClient, false, `database "d" does not exist`},
	{"DatabaseDenied", DatabaseDenied("u", "d"), "42501", 1044, "FATAL", FaultClient, false, `permission denied for database "d"`},
	{"LoginTimeout", LoginTimeout(), "57014", 1159, "FATAL", FaultClient, false, `canceling authentication due to timeout`},
	{"IdleSessionTimeout", IdleSessionTimeout(), "57P05", 4031, "FATAL", FaultClient, false, `terminating connection due to idle-session timeout`},
	{"IdleInTransactionTimeout", IdleInTransactionTimeout(), "25P03", 4031, "FATAL", FaultClient, false, `terminating connection due to idle-in-transaction timeout`},

	{"TooManyConnections", TooManyConnections(7), "53300", 1040, "FATAL", FaultProxy, true, `sorry, too many clients already`},
	{"QueueTimeout", QueueTimeout("pg-1"), "53000", 1203, "ERROR", FaultProxy, true, `timed out waiting for a free connection to node "pg-1"`},
	{"QueueFull", QueueFull("pg-1"), "53400", 1226, "ERROR", FaultProxy, true, `too many clients are waiting for a connection to node "pg-1"`},
	{"LimitExceeded", LimitExceeded("too long"), "54000", 1153, "ERROR", FaultClient, false, `too long`},
	{"QueryCanceled", QueryCanceled(), "57014", 1317, "ERROR", FaultClient, false, `canceling statement due to user request`},
	{"StatementTimeout", StatementTimeout(), "57014", 3024, "ERROR", FaultClient, false, `canceling statement due to statement timeout`},
	{"AdminShutdown", AdminShutdown(), "57P01", 1053, "FATAL", FaultProxy, false, `terminating connection due to administrator command`},
	{"CannotConnectNow", CannotConnectNow("paused"), "57P03", 3168, "FATAL", FaultProxy, true, `paused`},
	{"NoLeader", NoLeader(), "57P03", 3168, "ERROR", FaultProxy, true, `the proxies have no leader, so nothing can be changed that all of them must know`},
	{"Held", Held("app"), "40001", 1213, "ERROR", FaultProxy, true, `timed out waiting for a change of database "app" to be made`},
	{"RetryTransaction", RetryTransaction("moved"), "40001", 1213, "ERROR", FaultProxy, true, `moved`},
	{"Internal", Internal(errors.New("secret")), "XX000", 1815, "ERROR", FaultProxy, false, `internal error of the proxy`},

	{"NumericOutOfRange", NumericOutOfRange("9e99"), "22003", 1690, "ERROR", FaultClient, false, `value "9e99" is out of range`},
	{"PartlyDone", PartlyDone("pg-2", "pg-1", errors.New("disk full (SQLSTATE 53100)")), "55000", 1105, "ERROR", FaultNode, false, `statement for all nodes failed on node "pg-2": disk full (SQLSTATE 53100)`},
	{"PartlyDone", PartlyDone("pg-2", "pg-1", NodeLost("pg-2")), "55000", 1105, "ERROR", FaultNode, false, `statement for all nodes failed on node "pg-2": the connection to node "pg-2" was lost`},

	{"NodeUnavailable", NodeUnavailable("pg-1"), "08001", 1429, "ERROR", FaultNode, true, `could not connect to node "pg-1"`},
	{"NodeRejected", NodeRejected("pg-1", "wrong identity"), "08004", 1130, "ERROR", FaultNode, false, `node "pg-1" rejected the connection: wrong identity`},
	{"NodeLost", NodeLost("pg-1"), "08006", 1158, "ERROR", FaultNode, false, `the connection to node "pg-1" was lost`},
	{"CommitUnknown", CommitUnknown("pg-1"), "08007", 1180, "ERROR", FaultNode, false, `the connection to node "pg-1" was lost during the commit`},
	{"NodeProtocol", NodeProtocol("pg-1", "x"), "58000", 1156, "ERROR", FaultNode, false, `unexpected message from node "pg-1": x`},
}

func TestConstructors(t *testing.T) {
	for _, c := range constructed {
		t.Run(c.name, func(t *testing.T) {
			e := c.err
			if e.SQLState != c.sqlstate || e.MySQL != c.mysql {
				t.Errorf("codes %s/%d, want %s/%d", e.SQLState, e.MySQL, c.sqlstate, c.mysql)
			}
			if e.Severity != c.severity || e.Fault != c.fault || e.Retryable != c.retryable {
				t.Errorf("severity %s, fault %d, retryable %t; want %s, %d, %t",
					e.Severity, e.Fault, e.Retryable, c.severity, c.fault, c.retryable)
			}
			if e.Message != c.message {
				t.Errorf("message %q, want %q", e.Message, c.message)
			}
		})
	}
}

// TestEveryConstructorHasACase keeps the table above complete.
func TestEveryConstructorHasACase(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), f.Name(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range constructors(file) {
			found++
			if !slices.ContainsFunc(constructed, func(c constructedCase) bool { return c.name == name }) {
				t.Errorf("%s in %s has no case in the table", name, f.Name())
			}
		}
	}
	if found < 40 {
		t.Fatalf("only %d constructors found", found)
	}
}

// constructors are the exported functions of a file that return an *Error,
// without From.
func constructors(file *ast.File) []string {
	var names []string
	for _, d := range file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || !fn.Name.IsExported() || fn.Name.Name == "From" || fn.Type.Results == nil {
			continue
		}
		star, ok := fn.Type.Results.List[0].Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		if id, ok := star.X.(*ast.Ident); ok && id.Name == "Error" {
			names = append(names, fn.Name.Name)
		}
	}
	return names
}
