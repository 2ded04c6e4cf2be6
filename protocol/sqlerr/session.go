package sqlerr

// This file: what a session answers by itself about transactions, prepared
// statements and parameters. Messages are PostgreSQL's own.

// InFailedTransaction (25P02): any statement but COMMIT or ROLLBACK after an
// error in a transaction.
func InFailedTransaction() *Error {
	return newError(FaultClient, "25P02", 1105,
		"current transaction is aborted, commands ignored until end of transaction block")
}

// ActiveTransaction (25001): command cannot run inside a transaction block.
func ActiveTransaction(command string) *Error {
	return newError(FaultClient, "25001", 1179, command+" cannot run inside a transaction block")
}

// NoActiveTransaction (25P01): command needs a transaction block.
func NoActiveTransaction(command string) *Error {
	return newError(FaultClient, "25P01", 1179, command+" can only be used in transaction blocks")
}

// UndefinedSavepoint (3B001).
func UndefinedSavepoint(name string) *Error {
	return newError(FaultClient, "3B001", 1305, "savepoint "+quote(name)+" does not exist")
}

// UndefinedPreparedStatement (26000); the empty name is the unnamed one.
func UndefinedPreparedStatement(name string) *Error {
	message := "prepared statement " + quote(name) + " does not exist"
	if name == "" {
		message = "unnamed prepared statement does not exist"
	}
	return newError(FaultClient, "26000", 1243, message)
}

// DuplicatePreparedStatement (42P05).
func DuplicatePreparedStatement(name string) *Error {
	return newError(FaultClient, "42P05", 1304, "prepared statement "+quote(name)+" already exists")
}

// UndefinedPortal (34000): a portal or cursor; the empty name is the unnamed
// portal.
func UndefinedPortal(name string) *Error {
	return newError(FaultClient, "34000", 1324, "portal "+quote(name)+" does not exist")
}

// DuplicatePortal (42P03): a portal or cursor of that name is open.
func DuplicatePortal(name string) *Error {
	return newError(FaultClient, "42P03", 1333, "cursor "+quote(name)+" already exists")
}

// UndefinedParameter (42704): SET, SHOW or RESET of a name nobody knows.
func UndefinedParameter(name string) *Error {
	return newError(FaultClient, "42704", 1193, "unrecognized configuration parameter "+quote(name))
}

// InvalidParameterValue (22023): a value the parameter does not take. hint may
// list what it takes.
func InvalidParameterValue(name, value, hint string) *Error {
	return newError(FaultClient, "22023", 1231,
		"invalid value for parameter "+quote(name)+": "+quote(value)).WithHint(hint)
}

// UnchangeableParameter (55P02): a parameter that cannot be set now or ever.
func UnchangeableParameter(name, reason string) *Error {
	return newError(FaultClient, "55P02", 1238, "parameter "+quote(name)+" cannot be changed: "+reason)
}
