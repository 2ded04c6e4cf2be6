package sqlerr

import "fmt"

// This file: why a client cannot log in. Those that end the connection have
// severity FATAL.

// ProtocolViolation (08P01): the client broke the rules of the protocol.
func ProtocolViolation(message string) *Error {
	return newError(FaultClient, "08P01", 1835, message)
}

// UnsupportedProtocol (0A000, FATAL): a protocol version the proxy does not
// speak.
func UnsupportedProtocol(major, minor uint16) *Error {
	return newError(FaultClient, "0A000", 1043,
		fmt.Sprintf("unsupported frontend protocol %d.%d: server supports 3.0 to 3.2", major, minor)).Fatal()
}

// InvalidPassword (28P01, FATAL): a wrong password or an unknown user; which
// of them is not said.
func InvalidPassword(user string) *Error {
	return newError(FaultClient, "28P01", 1045, "password authentication failed for user "+quote(user)).Fatal()
}

// InvalidAuthorization (28000, FATAL): the client may not log in this way.
func InvalidAuthorization(message string) *Error {
	return newError(FaultClient, "28000", 1698, message).Fatal()
}

// TLSRequired (28000, FATAL): the listener serves encrypted connections only.
func TLSRequired() *Error {
	return newError(FaultClient, "28000", 3159, "this server accepts encrypted connections only").
		WithHint("Connect with sslmode=require.").Fatal()
}

// UndefinedDatabase (3D000, FATAL).
func UndefinedDatabase(name string) *Error {
	return newError(FaultClient, "3D000", 1049, "database "+quote(name)+" does not exist").Fatal()
}

// DatabaseDenied (42501, FATAL): the user exists, but not for this database.
func DatabaseDenied(user, database string) *Error {
	return newError(FaultClient, "42501", 1044,
		"permission denied for database "+quote(database)).
		WithDetail("User " + quote(user) + " has no right to connect to it.").Fatal()
}

// LoginTimeout (57014, FATAL): the login took too long.
func LoginTimeout() *Error {
	return newError(FaultClient, "57014", 1159, "canceling authentication due to timeout").Fatal()
}

// IdleSessionTimeout (57P05, FATAL): the client was silent for too long.
func IdleSessionTimeout() *Error {
	return newError(FaultClient, "57P05", 4031, "terminating connection due to idle-session timeout").Fatal()
}

// IdleInTransactionTimeout (25P03, FATAL): the client was silent for too long
// inside a transaction.
func IdleInTransactionTimeout() *Error {
	return newError(FaultClient, "25P03", 4031, "terminating connection due to idle-in-transaction timeout").Fatal()
}
